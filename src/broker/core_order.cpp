// Ordered queues: the messages of one key go out one at a time and in order, while those of other keys go on.
#include <algorithm>

#include <fmt/format.h>

#include "broker/core.hpp"

namespace millrace::broker {
namespace {

constexpr std::string_view key_header = "x-millrace-key";
constexpr std::string_view failure_header = "x-millrace-order-failure";
constexpr std::string_view place_header = "x-millrace-place";

OrderKey key_in_header(const Message& message) {
  const auto properties = amqp::decode_properties(message.properties);
  const auto* field = properties && properties->headers ? properties->headers->find(key_header) : nullptr;
  const auto* text = field == nullptr ? nullptr : std::get_if<std::string>(&field->value);
  return {text == nullptr ? std::nullopt : std::optional(*text), ""};
}

/// One without a key waits for nobody, but it may wait for its own time.
std::string key_of_its_own(std::uint64_t number) {
  return fmt::format("\n{}", number);
}

MessagePtr with_failure(const Message& message, const std::string& failure) {
  auto properties = amqp::decode_properties(message.properties);
  if (!properties) return std::make_shared<Message>(message);
  if (!properties->headers) properties->headers.emplace();
  properties->headers->set(failure_header, failure);
  auto told = std::make_shared<Message>(message);
  told->properties = amqp::encode_properties(*properties);
  return told;
}

}  // namespace

OrderKey Broker::Core::key_of(const Queue& queue, const Message& message) const {
  if (order_by) {
    if (auto made = order_by(queue.spec.name, message)) return std::move(*made);
  }
  return key_in_header(message);
}

std::optional<Broker::Core::Turn> Broker::Core::turn_of(Queue& queue, Entry& entry) {
  auto& order = *queue.order;
  Turn turn;
  const bool waits = entry.expires_at > now();
  if (const auto returned = order.key_of_returned.find(entry.number); returned != order.key_of_returned.end()) {
    turn.key = returned->second;
  } else {
    const auto message = message_of(entry);
    if (!message) return turn;  // hand_out sees to what cannot be read
    entry.message = message;
    auto found = key_of(queue, *message);
    turn.failure = std::move(found.failure);
    if (found.key) turn.key = std::move(*found.key);
    if (!found.key && !waits) return turn;
    if (!found.key) turn.key = key_of_its_own(entry.number);
  }
  const auto state = order.keys.find(turn.key);
  const bool held = state != order.keys.end() &&
                    (state->second.out.value != 0 || state->second.waits_until != 0 ||
                     (!state->second.aside.empty() && state->second.aside.begin()->first < entry.number));
  if (!waits && !held) return turn;
  if (order.aside >= KeyOrder::aside_max) {
    (void)queue.put_back(std::move(entry), *this);
    return std::nullopt;
  }
  order.key_of_returned.erase(entry.number);
  set_aside(queue, std::move(entry), turn.key);
  next_of_key(queue, turn.key);
  return std::nullopt;
}

void Broker::Core::begin_turn(Queue& queue, std::uint64_t number, Turn& turn, Delivery& delivery, bool no_ack) {
  delivery.place = number;
  if (!turn.failure.empty()) delivery.message = with_failure(*delivery.message, turn.failure);
  if (no_ack || turn.key.empty()) return;
  auto& order = *queue.order;
  order.key_of_returned.erase(number);
  order.keys[turn.key].out = delivery.id;
  order.key_of_delivery.emplace(delivery.id.value, std::move(turn.key));
}

void Broker::Core::set_aside(Queue& queue, Entry entry, const std::string& key) {
  if (entry.at.segment != 0) entry.message = nullptr;
  const auto number = entry.number;
  queue.order->keys[key].aside.emplace(number, outstanding.add({{}, {}, queue.id, std::move(entry)}));
  ++queue.order->aside;
  ++queue.out;
}

void Broker::Core::end_turn(Change& change, Queue& queue, DeliveryId delivery) {
  auto found = queue.order->key_of_delivery.extract(delivery.value);
  if (found) change.freed.push_back({queue.id, std::move(found.mapped())});
}

void Broker::Core::give_up_turn(Queue& queue, DeliveryId delivery, std::uint64_t number) {
  auto& order = *queue.order;
  auto found = order.key_of_delivery.extract(delivery.value);
  if (!found) return;
  order.keys[found.mapped()].out = {};
  order.key_of_returned.emplace(number, std::move(found.mapped()));
}

void Broker::Core::free_keys(const Change& change) {
  for (const auto& [queue_id, key] : change.freed) {
    auto* queue = find_queue(queue_id);
    if (queue == nullptr) continue;
    const auto state = queue->order->keys.find(key);
    if (state == queue->order->keys.end()) continue;
    state->second.out = {};
    next_of_key(*queue, key);
  }
}

void Broker::Core::left_unsettled(Queue& queue, std::uint64_t number) {
  const auto returned = queue.order->key_of_returned.extract(number);
  if (returned) next_of_key(queue, returned.mapped());
}

void Broker::Core::next_of_key(Queue& queue, const std::string& key) {
  auto& order = *queue.order;
  const auto found = order.keys.find(key);
  if (found == order.keys.end()) return;
  auto& state = found->second;
  if (state.out.value != 0 || state.waits_until != 0) return;
  if (state.aside.empty()) {
    order.keys.erase(found);
    return;
  }
  const auto [number, id] = *state.aside.begin();
  const auto not_before = outstanding.find(id)->entry.expires_at;
  if (not_before > now()) {
    state.waits_until = not_before;
    ++order.delayed;
    wakes_.emplace(not_before, queue.id, key);
    return set_wake_timer();
  }
  state.aside.erase(state.aside.begin());
  --order.aside;
  --queue.out;
  order.key_of_returned.emplace(number, key);
  (void)queue.put_back(outstanding.take(id).entry, *this);
  kick(queue);
}

void Broker::Core::order_anew(Queue& queue) {
  auto& order = *queue.order;
  order.key_of_returned.clear();
  for (auto& [key, state] : order.keys) {
    for (const auto& [number, id] : state.aside) {
      --queue.out;
      (void)queue.put_back(outstanding.take(id).entry, *this);
    }
    state.aside.clear();
    state.waits_until = 0;
  }
  order.aside = 0;
  order.delayed = 0;
  std::erase_if(order.keys, [](const auto& it) { return it.second.out.value == 0; });
  kick(queue);
}

void Broker::Core::walk(Queue& queue, const std::function<bool(const Entry&)>& visit) {
  std::vector<const Entry*> aside;
  if (queue.order) {
    aside.reserve(queue.order->aside);
    for (const auto& [key, state] : queue.order->keys) {
      for (const auto& [number, id] : state.aside) aside.push_back(&outstanding.find(id)->entry);
    }
  }
  // A heap: mostly only the first few of them are looked at.
  const auto later = [](const Entry* a, const Entry* b) { return a->number > b->number; };
  std::make_heap(aside.begin(), aside.end(), later);
  const auto visit_aside = [&](std::uint64_t before) {
    while (!aside.empty() && aside.front()->number < before) {
      const auto& first = *aside.front();
      std::pop_heap(aside.begin(), aside.end(), later);
      aside.pop_back();
      if (!visit(first)) return false;
    }
    return true;
  };
  const bool to_the_end =
      queue.walk(*this, [&](const Entry& entry) { return visit_aside(entry.number) && visit(entry); });
  if (to_the_end) (void)visit_aside(std::numeric_limits<std::uint64_t>::max());
}

std::optional<DeliveryId> Broker::Core::replaced_by(SessionId session, const Batch& batch, const Message& message) {
  const auto glance = amqp::glance(message.properties);
  if (!glance || !glance->expiration || glance->headers.find(place_header) == std::string_view::npos)
    return std::nullopt;
  const auto to = route(message);
  if (to.size() != 1 || !to.front()->order) return std::nullopt;
  const auto properties = amqp::decode_properties(message.properties);
  if (!properties || !properties->headers) return std::nullopt;
  const auto number = static_cast<std::uint64_t>(properties->headers->integer(place_header));
  for (const auto& it : batch.settlements) {
    const auto* held = it.how == Settle::ack ? outstanding.find(it.delivery) : nullptr;
    const bool is_it = held != nullptr && held->session == session && held->queue == to.front()->id;
    if (is_it && held->entry.number == number) return it.delivery;
  }
  return std::nullopt;
}

std::set<std::size_t> Broker::Core::replace_some(Change& change, SessionId session, const Batch& batch) {
  std::set<std::size_t> done;
  if (batch.settlements.empty()) return done;
  for (std::size_t i = 0; i < batch.publishes.size(); ++i) {
    const auto delivery = replaced_by(session, batch, *batch.publishes[i]);
    if (!delivery) continue;
    replace(change, *delivery, batch.publishes[i]);
    done.insert(i);
  }
  return done;
}

void Broker::Core::replace(Change& change, DeliveryId id, const MessagePtr& message) {
  const auto old = take_outstanding(id);
  auto& queue = *find_queue(old.queue);
  auto found = queue.order->key_of_delivery.extract(id.value);
  auto key = found ? std::move(found.mapped()) : key_of_its_own(old.entry.number);
  ++queue.order->put_back_total;
  queue.order->keys[key].out = id;  // until the change is durable
  Entry entry;
  entry.number = old.entry.number;
  entry.message = message;
  entry.size = static_cast<std::uint32_t>(message->properties.size() + message->body.size());
  entry.expires_at = expiry_of(*amqp::glance(message->properties));
  storage::MessageItem item;
  item.number = entry.number;
  item.moved_from = old.entry.at;
  item.targets.push_back({queue.id, 0, 0, 0, entry.expires_at});
  item.exchange = message->exchange;
  item.routing_key = message->routing_key;
  item.properties = message->properties;
  item.body = message->body;
  change.gone.push_back({old.entry.at.segment, 1, old.entry.size});
  change.replacements.push_back({queue.id, key, std::move(entry), change.items.size(), old.entry.at});
  change.freed.push_back({queue.id, std::move(key)});
  storage::encode(change.items, item);
  kick(queue);
}

void Broker::Core::lay_in_places(Change& change, storage::Position at) {
  for (auto& it : change.replacements) {
    auto* queue = find_queue(it.queue);
    if (queue == nullptr) continue;
    auto& entry = it.entry;
    entry.at = {at.segment, at.offset + static_cast<std::uint32_t>(it.item_offset)};
    need(at.segment, 1, entry.size);
    if (auto* part = queue->backlog(0).find(at.segment)) part->isolate_next();
    it.now_at = entry.at;
    set_aside(*queue, std::move(entry), it.key);
  }
}

void Broker::Core::leave_in_places(Change& change) {
  for (auto& it : change.replacements) {
    auto* queue = find_queue(it.queue);
    if (it.now_at) {
      unmoved_.emplace(*it.now_at, it.was_at);
    } else if (queue != nullptr) {
      it.entry.at = it.was_at;
      set_aside(*queue, std::move(it.entry), it.key);
    }
  }
}

void Broker::Core::set_wake_timer() {
  if (wakes_.empty()) return;
  const auto first = std::get<0>(*wakes_.begin());
  if (wake_timer_ != 0 && wake_timer_at_ <= first) return;
  loop.cancel(wake_timer_);
  wake_timer_at_ = first;
  const auto time = now();
  wake_timer_ = loop.after(std::chrono::milliseconds(first > time ? first - time : 0), [this] {
    wake_timer_ = 0;
    wake_keys();
  });
}

void Broker::Core::wake_keys() {
  const auto time = now();
  while (!wakes_.empty() && std::get<0>(*wakes_.begin()) <= time) {
    const auto [when, queue_id, key] = *wakes_.begin();
    wakes_.erase(wakes_.begin());
    auto* queue = find_queue(queue_id);
    if (queue == nullptr || !queue->order) continue;
    const auto state = queue->order->keys.find(key);
    if (state == queue->order->keys.end() || state->second.waits_until != when) continue;
    state->second.waits_until = 0;
    --queue->order->delayed;
    next_of_key(*queue, key);
  }
  set_wake_timer();
}

}  // namespace millrace::broker
