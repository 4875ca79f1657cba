#include <fmt/format.h>

#include "broker/core.hpp"
#include "broker/table_bytes.hpp"
#include "core/id.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

namespace {

Refusal not_found(std::string_view what, std::string_view name) {
  return {ReplyCode::not_found, fmt::format("no {} '{}' in vhost '/'", what, name)};
}

Refusal inequivalent(std::string_view argument, std::string_view what, std::string_view name) {
  return {
      ReplyCode::precondition_failed,
      fmt::format("inequivalent arg '{}' for {} '{}' in vhost '/': it was declared otherwise", argument, what, name)};
}

}  // namespace

void Broker::Core::add_default_exchanges() {
  const auto add = [this](std::string name, std::string type) {
    ExchangeSpec spec;
    spec.name = name;
    spec.type = std::move(type);
    exchanges.emplace(std::move(name), std::make_unique<Exchange>(std::move(spec)));
  };
  add("amq.direct", "direct");
  add("amq.fanout", "fanout");
  add("amq.topic", "topic");
  add("amq.headers", "headers");
  add("amq.match", "headers");
}

Queue* Broker::Core::find_queue(std::string_view name) {
  const auto found = queues.find(name);
  return found == queues.end() ? nullptr : found->second.get();
}

Queue* Broker::Core::find_queue(std::uint32_t id) {
  const auto found = queues_by_id.find(id);
  return found == queues_by_id.end() ? nullptr : found->second;
}

Answer<Queue*> Broker::Core::open_queue(SessionId session, std::string_view name) {
  auto* queue = find_queue(name);
  if (queue == nullptr) return not_found("queue", name);
  if (queue->spec.exclusive && queue->owner != session) {
    return Refusal{ReplyCode::resource_locked,
                   fmt::format("cannot obtain exclusive access to locked queue '{}' in vhost '/'", name)};
  }
  return queue;
}

Answer<Done> Broker::Core::declare_exchange(const ExchangeSpec& spec, Durable durable) {
  if (const auto found = exchanges.find(spec.name); found != exchanges.end()) {
    const auto& have = found->second->spec();
    if (have.type != spec.type) return inequivalent("type", "exchange", spec.name);
    if (have.durable != spec.durable) return inequivalent("durable", "exchange", spec.name);
    if (have.auto_delete != spec.auto_delete) return inequivalent("auto_delete", "exchange", spec.name);
    if (have.internal != spec.internal) return inequivalent("internal", "exchange", spec.name);
    tell(std::move(durable));
    return Done{};
  }
  if (spec.name.empty() || spec.name.starts_with("amq.")) {
    return Refusal{ReplyCode::access_refused,
                   fmt::format("exchange name '{}' contains reserved prefix 'amq.*'", spec.name)};
  }
  if (spec.type != "direct" && spec.type != "fanout" && spec.type != "topic" && spec.type != "headers") {
    return Refusal{ReplyCode::command_invalid, fmt::format("unknown exchange type '{}'", spec.type)};
  }
  exchanges.emplace(spec.name, std::make_unique<Exchange>(spec));
  Change change;
  if (spec.durable) {
    const auto arguments = table_bytes(spec.arguments);
    storage::encode(change.items,
                    storage::ExchangeDeclaredItem{
                        spec.name, spec.type,
                        static_cast<std::uint8_t>((spec.auto_delete ? 1 : 0) | (spec.internal ? 2 : 0)), arguments});
  }
  submit(std::move(change), true, std::move(durable));
  return Done{};
}

Answer<QueueStatus> Broker::Core::declare_queue(SessionId session, const QueueSpec& wanted, Durable durable) {
  QueueSpec spec = wanted;
  if (spec.name.empty()) spec.name = "amq.gen-" + random_token(12);
  if (find_queue(spec.name) != nullptr) {
    const auto queue = open_queue(session, spec.name);
    if (!queue) return queue.error();
    const auto& have = (*queue)->spec;
    if (have.durable != spec.durable) return inequivalent("durable", "queue", spec.name);
    if (have.exclusive != spec.exclusive) return inequivalent("exclusive", "queue", spec.name);
    if (have.auto_delete != spec.auto_delete) return inequivalent("auto_delete", "queue", spec.name);
    for (const auto& [name, value] : spec.arguments.entries()) {
      const auto* other = have.arguments.find(name);
      if (other == nullptr || !(*other == value)) return inequivalent(name, "queue", spec.name);
    }
    if (have.arguments.entries().size() != spec.arguments.entries().size())
      return inequivalent("arguments", "queue", spec.name);
    tell(std::move(durable));
    return (*queue)->status();
  }
  if (!wanted.name.empty() && spec.name.starts_with("amq.")) {
    return Refusal{ReplyCode::access_refused,
                   fmt::format("queue name '{}' contains reserved prefix 'amq.*'", spec.name)};
  }
  auto rules = QueueRules::read(spec.arguments);
  if (!rules) return rules.error();
  auto owned = std::make_unique<Queue>(next_queue_++, spec, std::move(*rules), spec.exclusive ? session : SessionId());
  Queue& queue = *owned;
  queues_by_id[queue.id] = &queue;
  queues[spec.name] = std::move(owned);
  Change change;
  if (queue.logged) {
    const auto arguments = table_bytes(spec.arguments);
    storage::encode(change.items,
                    storage::QueueDeclaredItem{queue.id, static_cast<std::uint8_t>(spec.auto_delete ? 1 : 0), spec.name,
                                               arguments});
  }
  submit(std::move(change), true, std::move(durable));
  return queue.status();
}

Answer<Done> Broker::Core::bind(SessionId session, const std::string& name, const std::string& exchange,
                                const std::string& key, const amqp::FieldTable& arguments, bool bound,
                                Durable durable) {
  const auto queue = open_queue(session, name);
  if (!queue) return queue.error();
  if (exchange.empty()) return Refusal{ReplyCode::access_refused, "operation not permitted on the default exchange"};
  const auto found = exchanges.find(exchange);
  if (found == exchanges.end()) return not_found("exchange", exchange);
  const bool changed =
      bound ? found->second->bind({*queue, key, arguments}) : found->second->unbind(*queue, key, arguments);
  Change change;
  if (changed && (*queue)->logged && found->second->spec().durable) {
    const auto wire = table_bytes(arguments);
    storage::encode(change.items, storage::BindingItem{bound, name, exchange, key, wire, false});
  }
  if (!bound && found->second->spec().auto_delete && found->second->bindings().empty()) {
    return delete_exchange(exchange, false, std::move(durable));
  }
  submit(std::move(change), true, std::move(durable));
  return Done{};
}

void Broker::Core::remove_queue(Queue& queue) {
  Change change;
  const auto let_go = [&](const Entry& entry) {
    if (entry.at.segment != 0) change.gone.emplace_back(entry.at, entry.size);
    if (entry.message) bytes_in_memory_ -= entry.size;
  };
  for (const auto& [number, entry] : queue.ready) let_go(entry);
  for (const auto& [number, entry] : queue.out) let_go(entry);
  if (queue.logged) storage::encode(change.items, storage::QueueDeletedItem{queue.id});
  std::erase_if(outstanding, [&](const auto& one) { return one.second.queue == queue.id; });
  std::vector<std::pair<ConsumerSink*, ConsumerId>> ended;
  for (const auto id : queue.consumers) {
    ended.emplace_back(consumers.at(id).sink, id);
    consumers.erase(id);
  }
  std::vector<std::string> unused;
  for (const auto& [name, exchange] : exchanges) {
    const bool was_bound = !exchange->bindings().empty();
    exchange->forget(&queue);
    if (was_bound && exchange->spec().auto_delete && exchange->bindings().empty()) unused.push_back(name);
  }
  const std::string name = queue.spec.name;
  queues_by_id.erase(queue.id);
  queues.erase(name);
  submit(std::move(change), false, {});
  for (const auto& exchange : unused) (void)delete_exchange(exchange, false, {});
  for (const auto& [sink, id] : ended) {
    loop.post([sink = sink, id = id, alive = alive_] {
      if (*alive) sink->cancelled(id);
    });
  }
}

Answer<std::uint64_t> Broker::Core::delete_queue(SessionId session, const std::string& name, bool if_unused,
                                                 bool if_empty, Durable durable) {
  const auto queue = open_queue(session, name);
  if (!queue) return queue.error();
  if (if_unused && !(*queue)->consumers.empty()) {
    return Refusal{ReplyCode::precondition_failed, fmt::format("queue '{}' in vhost '/' in use", name)};
  }
  if (if_empty && !((*queue)->ready.empty() && (*queue)->out.empty())) {
    return Refusal{ReplyCode::precondition_failed, fmt::format("queue '{}' in vhost '/' is not empty", name)};
  }
  const std::uint64_t count = (*queue)->ready.size();
  remove_queue(**queue);
  tell(std::move(durable));
  return count;
}

Answer<Done> Broker::Core::delete_exchange(const std::string& name, bool if_unused, Durable durable) {
  const auto found = exchanges.find(name);
  if (found == exchanges.end()) {
    tell(std::move(durable));
    return Done{};
  }
  if (name.starts_with("amq."))
    return Refusal{ReplyCode::access_refused, fmt::format("exchange '{}' cannot be deleted", name)};
  if (if_unused && !found->second->bindings().empty()) {
    return Refusal{ReplyCode::precondition_failed, fmt::format("exchange '{}' in vhost '/' in use", name)};
  }
  Change change;
  if (found->second->spec().durable) storage::encode(change.items, storage::ExchangeDeletedItem{name});
  exchanges.erase(found);
  submit(std::move(change), true, std::move(durable));
  return Done{};
}

Answer<std::uint64_t> Broker::Core::purge(SessionId session, const std::string& name, Durable durable) {
  const auto queue = open_queue(session, name);
  if (!queue) return queue.error();
  const std::uint64_t count = (*queue)->ready.size();
  Change change;
  if (count > 0) {
    storage::PurgedItem item;
    item.queue = (*queue)->id;
    item.number = (*queue)->ready.rbegin()->first;
    for (const auto& [number, entry] : (*queue)->out) item.except.push_back(number);
    if ((*queue)->logged) storage::encode(change.items, item);
    while (!(*queue)->ready.empty()) {
      const auto entry = (*queue)->take((*queue)->ready.begin());
      if (entry.at.segment != 0) change.gone.emplace_back(entry.at, entry.size);
      if (entry.message) bytes_in_memory_ -= entry.size;
    }
  }
  submit(std::move(change), true, std::move(durable));
  return count;
}

}  // namespace millrace::broker
