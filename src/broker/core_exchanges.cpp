// Exchanges and what is bound to them.
#include <algorithm>

#include <fmt/format.h>

#include "broker/core.hpp"
#include "broker/refusals.hpp"
#include "broker/table_bytes.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

namespace {

std::uint8_t flags_of(const ExchangeSpec& spec) {
  return static_cast<std::uint8_t>((spec.auto_delete ? 1 : 0) | (spec.internal ? 2 : 0));
}

/// Why an exchange cannot be declared again like this.
std::optional<Refusal> differs(const ExchangeSpec& have, const ExchangeSpec& wanted) {
  Comparison compare("exchange", have.name);
  compare.text("type", have.type, wanted.type);
  compare.flag("durable", have.durable, wanted.durable);
  compare.flag("auto_delete", have.auto_delete, wanted.auto_delete);
  compare.flag("internal", have.internal, wanted.internal);
  compare.arguments(have.arguments, wanted.arguments, {"alternate-exchange"});
  return compare.refusal;
}

Refusal default_exchange() {
  return {ReplyCode::access_refused, "operation not permitted on the default exchange"};
}

}  // namespace

void Broker::Core::add_default_exchanges() {
  const auto add = [this](std::string name, std::string type, bool internal = false) {
    ExchangeSpec spec;
    spec.name = name;
    spec.internal = internal;
    spec.type = std::move(type);
    exchanges.emplace(std::move(name), std::make_unique<Exchange>(std::move(spec)));
  };
  add("amq.direct", "direct");
  add("amq.fanout", "fanout");
  add("amq.topic", "topic");
  add("amq.headers", "headers");
  add("amq.match", "headers");
  add("amq.rabbitmq.trace", "topic", true);  // some clients look whether it is there; nothing is traced
}

Exchange* Broker::Core::find_exchange(std::string_view name) {
  const auto found = exchanges.find(name);
  return found == exchanges.end() ? nullptr : found->second.get();
}

Answer<Done> Broker::Core::declare_exchange(const ExchangeSpec& spec, Durable durable) {
  if (spec.name.empty()) return default_exchange();
  if (const auto* have = find_exchange(spec.name)) {
    if (auto refusal = differs(have->spec(), spec)) return *refusal;
    tell(std::move(durable));
    return Done{};
  }
  if (spec.name.starts_with("amq.")) {
    return Refusal{ReplyCode::access_refused,
                   fmt::format("exchange name '{}' contains reserved prefix 'amq.*'", spec.name)};
  }
  if (spec.type != "direct" && spec.type != "fanout" && spec.type != "topic" && spec.type != "headers") {
    return Refusal{ReplyCode::command_invalid,
                   fmt::format("{} exchange type '{}'", spec.type.empty() ? "invalid" : "unknown", spec.type)};
  }
  if (const auto* alternate = spec.arguments.find("alternate-exchange");
      alternate != nullptr && !std::holds_alternative<std::string>(alternate->value)) {
    return Refusal{
        ReplyCode::precondition_failed,
        fmt::format("invalid arg 'alternate-exchange' for exchange '{}' in vhost '/': a text is wanted", spec.name)};
  }
  if (auto refusal = refuse_storing(); refusal && spec.durable) return *refusal;
  exchanges.emplace(spec.name, std::make_unique<Exchange>(spec));
  Change change;
  change.topology = spec.durable;
  if (spec.durable) {
    const auto arguments = table_bytes(spec.arguments);
    storage::encode(change.items, storage::ExchangeDeclaredItem{spec.name, spec.type, flags_of(spec), arguments});
  }
  submit(std::move(change), true, std::move(durable));
  return Done{};
}

std::vector<std::string> Broker::Core::forget_destination(const Destination& to) {
  std::vector<std::string> unused;
  for (const auto& [name, exchange] : exchanges) {
    if (exchange->forget(to) && exchange->spec().auto_delete && exchange->bindings().empty()) unused.push_back(name);
  }
  return unused;
}

Answer<Done> Broker::Core::delete_exchange(const std::string& name, bool if_unused, Durable durable) {
  if (name.empty()) return default_exchange();
  if (name.starts_with("amq.")) {
    return Refusal{ReplyCode::access_refused,
                   fmt::format("deletion of system exchange '{}' in vhost '/' not allowed", name)};
  }
  const auto found = exchanges.find(name);
  if (found == exchanges.end()) {
    tell(std::move(durable));
    return Done{};
  }
  if (if_unused && !found->second->bindings().empty()) {
    return Refusal{ReplyCode::precondition_failed, fmt::format("exchange '{}' in vhost '/' in use", name)};
  }
  Change change;
  change.topology = found->second->spec().durable;
  if (auto refusal = refuse_storing(); refusal && change.topology) return *refusal;
  if (change.topology) storage::encode(change.items, storage::ExchangeDeletedItem{name});
  const auto unused = forget_destination({nullptr, found->second.get()});
  exchanges.erase(name);
  submit(std::move(change), true, std::move(durable));
  for (const auto& other : unused) (void)delete_exchange(other, false, {});
  return Done{};
}

Answer<Destination> Broker::Core::destination(SessionId session, const BindingSpec& spec) {
  if (spec.to_exchange) {
    auto* exchange = find_exchange(spec.destination);
    if (exchange == nullptr) return not_found("exchange", spec.destination);
    return Destination{nullptr, exchange};
  }
  const auto queue = open_queue(session, spec.destination);
  if (!queue) return queue.error();
  return Destination{*queue, nullptr};
}

Answer<Done> Broker::Core::bind(SessionId session, const BindingSpec& spec, bool bound, Durable durable) {
  if (spec.source.empty() || (spec.to_exchange && spec.destination.empty())) return default_exchange();
  const auto to = destination(session, spec);
  auto* source = find_exchange(spec.source);
  std::optional<Refusal> refusal;
  if (!to) refusal = to.error();
  if (!refusal && source == nullptr) refusal = not_found("exchange", spec.source);
  if (refusal && !bound && refusal->code == ReplyCode::not_found) {  // what is not there is not bound, either
    tell(std::move(durable));
    return Done{};
  }
  if (refusal) return *refusal;
  if (auto accepted = source->accepts(spec.arguments); bound && !accepted) return accepted.error();
  Change change;
  change.topology = source->spec().durable && is_durable(*to);
  if (auto failed = refuse_storing(); failed && change.topology) {
    if (source->has({*to, spec.key, spec.arguments}) != bound) return *failed;
  }
  const bool changed =
      bound ? source->bind({*to, spec.key, spec.arguments}) : source->unbind(*to, spec.key, spec.arguments);
  if (changed && change.topology) {
    const auto wire = table_bytes(spec.arguments);
    storage::encode(change.items,
                    storage::BindingItem{bound, spec.destination, spec.source, spec.key, wire, spec.to_exchange});
  }
  if (!bound && changed && source->spec().auto_delete && source->bindings().empty()) {
    return delete_exchange(spec.source, false, std::move(durable));
  }
  submit(std::move(change), true, std::move(durable));
  return Done{};
}

bool Broker::Core::is_durable(const Destination& to) {
  return to.queue != nullptr ? to.queue->logged : to.exchange->spec().durable;
}

std::vector<Queue*> Broker::Core::route(const Message& message) const {
  std::vector<Queue*> to;
  const auto add = [&to](Queue* queue) {
    if (std::find(to.begin(), to.end(), queue) == to.end()) to.push_back(queue);
  };
  if (message.exchange.empty()) {
    const auto add_named = [&](const std::string& name) {
      if (const auto found = queues.find(name); found != queues.end()) add(found->second.get());
    };
    add_named(message.routing_key);
    for (const auto& key : message.copies) add_named(key);
    return to;
  }
  const auto first = exchanges.find(message.exchange);
  if (first == exchanges.end()) return to;
  // Exchanges may be bound in circles, and alternate exchanges name each other: each is asked once.
  std::vector<const Exchange*> asked = {first->second.get()};
  const auto ask = [&asked](const Exchange* exchange) {
    if (std::find(asked.begin(), asked.end(), exchange) == asked.end()) asked.push_back(exchange);
  };
  std::vector<Destination> found;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    found.clear();
    asked[i]->route(message, message.routing_key, found);
    for (const auto& key : message.copies) asked[i]->route(message, key, found);
    for (const auto& one : found) one.queue != nullptr ? add(one.queue) : ask(one.exchange);
    if (!found.empty()) continue;
    const auto alternate = exchanges.find(asked[i]->spec().arguments.text("alternate-exchange"));
    if (alternate != exchanges.end()) ask(alternate->second.get());
  }
  return to;
}

}  // namespace millrace::broker
