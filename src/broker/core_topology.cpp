#include <algorithm>

#include <fmt/format.h>

#include "broker/core.hpp"
#include "broker/refusals.hpp"
#include "broker/table_bytes.hpp"
#include "core/id.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

namespace {

/// Why a queue cannot be declared again like this.
std::optional<Refusal> differs(const QueueSpec& have, const QueueSpec& wanted) {
  if (have.exclusive != wanted.exclusive) return locked(have.name);
  Comparison compare("queue", have.name);
  compare.flag("durable", have.durable, wanted.durable);
  compare.flag("auto_delete", have.auto_delete, wanted.auto_delete);
  compare.arguments(have.arguments, wanted.arguments,
                    {"x-expires", "x-message-ttl", "x-max-length", "x-max-length-bytes", "x-max-priority", "x-overflow",
                     "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-single-active-consumer", "x-queue-mode",
                     "x-delivery-limit", "x-queue-master-locator", "x-millrace-dedup-window", "x-millrace-dedup-max",
                     "x-millrace-isolate-suspects", "x-millrace-ordered"});
  compare.text("x-queue-type", have.arguments.text("x-queue-type", "classic"),
               wanted.arguments.text("x-queue-type", "classic"));
  return compare.refusal;
}

}  // namespace

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
    return locked(name);
  }
  return queue;
}

Answer<QueueStatus> Broker::Core::declare_queue(SessionId session, const QueueSpec& wanted, Durable durable) {
  QueueSpec spec = wanted;
  spec.durable = wanted.durable && !wanted.exclusive;
  if (spec.name.empty()) spec.name = "amq.gen-" + random_token(12);
  if (find_queue(spec.name) != nullptr) {
    const auto queue = open_queue(session, spec.name);
    if (!queue) return queue.error();
    if (auto refusal = differs((*queue)->spec, spec)) return *refusal;
    touch(**queue);
    tell(std::move(durable));
    return (*queue)->status();
  }
  if (!wanted.name.empty() && spec.name.starts_with("amq.") && !spec.name.starts_with(reply_queue_prefix)) {
    return Refusal{ReplyCode::access_refused,
                   fmt::format("queue name '{}' contains reserved prefix 'amq.*'", spec.name)};
  }
  auto rules = QueueRules::read(spec);
  if (!rules) return rules.error();
  const bool lasting = wanted.durable && !wanted.exclusive && !wanted.auto_delete;
  if (spec.arguments.text("x-queue-type") == "quorum" && !lasting) {
    const auto* property = !wanted.durable ? "non-durable" : wanted.exclusive ? "exclusive-owner" : "auto-delete";
    return Refusal{ReplyCode::precondition_failed,
                   fmt::format("invalid property '{}' for queue '{}' in vhost '/': a quorum queue lasts and is shared",
                               property, spec.name)};
  }
  if (auto refusal = refuse_storing(); refusal && spec.durable) return *refusal;
  auto owned = std::make_unique<Queue>(next_queue_++, spec, std::move(*rules), spec.exclusive ? session : SessionId(),
                                       residents);
  Queue& queue = *owned;
  queues_by_id[queue.id] = &queue;
  queues[spec.name] = std::move(owned);
  touch(queue);
  Change change;
  change.topology = queue.logged;
  if (queue.logged) {
    const auto arguments = table_bytes(spec.arguments);
    storage::encode(change.items,
                    storage::QueueDeclaredItem{queue.id, static_cast<std::uint8_t>(spec.auto_delete ? 1 : 0), spec.name,
                                               arguments});
  }
  submit(std::move(change), true, std::move(durable));
  return queue.status();
}

void Broker::Core::remove_queue(Queue& queue) {
  Change change;
  for (const auto& backlog : queue.backlogs()) {
    for (const auto& part : backlog->parts()) {
      if (part->segment != 0 && part->count > 0) change.gone.push_back({part->segment, part->count, part->bytes});
    }
  }
  for (const auto id : outstanding.select([&](const Outstanding& it) { return it.queue == queue.id; })) {
    const auto entry = take_outstanding(id).entry;
    if (entry.at.segment != 0) change.gone.push_back({entry.at.segment, 1, entry.size});
  }
  change.topology = queue.logged;
  if (queue.logged) storage::encode(change.items, storage::QueueDeletedItem{queue.id});
  std::vector<std::pair<ConsumerSink*, ConsumerId>> ended;
  for (const auto id : queue.consumers) {
    ended.emplace_back(consumers.at(id).sink, id);
    consumers.erase(id);
  }
  const auto unused = forget_destination({&queue, nullptr});
  const std::string name = queue.spec.name;
  taps.erase(queue.id);
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
  if (if_empty && (*queue)->ready + (*queue)->out > 0) {
    return Refusal{ReplyCode::precondition_failed, fmt::format("queue '{}' in vhost '/' not empty", name)};
  }
  if (auto refusal = refuse_storing(); refusal && (*queue)->logged) return *refusal;
  const std::uint64_t count = (*queue)->ready + (*queue)->aside();
  remove_queue(**queue);
  tell(std::move(durable));
  return count;
}

void Broker::Core::purge_all(Change& change, Queue& queue) {
  storage::PurgedItem item;
  item.queue = queue.id;
  outstanding.each([&](const Outstanding& it) {
    if (it.queue == queue.id) item.except.push_back(it.entry.place(queue.id));
  });
  for (const auto& backlog : queue.backlogs()) {
    for (auto& gone : backlog->purge(item.except)) {
      if (gone.segment != 0) change.gone.push_back({gone.segment, gone.count, gone.bytes});
    }
  }
  queue.purged_total += queue.ready;
  queue.ready = 0;
  queue.ready_bytes = 0;
  if (queue.logged) storage::encode(change.items, item);
}

Answer<std::uint64_t> Broker::Core::purge(SessionId session, const std::string& name, Durable durable) {
  const auto queue = open_queue(session, name);
  if (!queue) return queue.error();
  if (auto refusal = refuse_storing(); refusal && (*queue)->logged) return *refusal;
  if ((*queue)->order) order_anew(**queue);
  const std::uint64_t count = (*queue)->ready;
  Change change;
  if (count > 0) purge_all(change, **queue);
  submit(std::move(change), true, std::move(durable));
  return count;
}

Answer<Done> Broker::Core::inherit_window(SessionId session, const std::string& name,
                                          const std::vector<std::string>& sources, Durable durable) {
  const auto queue = open_queue(session, name);
  if (!queue) return queue.error();
  if (auto refusal = refuse_storing(); refusal && (*queue)->logged) return *refusal;
  Change change;
  for (const auto& [id, at] : (*queue)->window.open() ? ids_taken_by(session, sources) : TakenIds{}) {
    const bool is_new = (*queue)->window.take(id, at);
    if (is_new && (*queue)->logged) storage::encode(change.items, storage::TakenItem{(*queue)->id, at, id});
  }
  submit(std::move(change), true, std::move(durable));
  return Done{};
}

Broker::Core::TakenIds Broker::Core::ids_taken_by(SessionId session, const std::vector<std::string>& names) {
  TakenIds all;
  for (const auto& name : names) {
    const auto queue = open_queue(session, name);
    if (!queue) continue;
    const auto& ids = (*queue)->window.ids();
    all.insert(all.end(), ids.begin(), ids.end());
  }
  std::ranges::sort(all, {}, &TakenIds::value_type::second);
  return all;
}

}  // namespace millrace::broker
