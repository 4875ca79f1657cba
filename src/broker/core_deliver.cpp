#include <algorithm>

#include "broker/core.hpp"
#include "core/log.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

Answer<Done> Broker::Core::consume(SessionId session, const std::string& name, const ConsumerSpec& spec,
                                   ConsumerSink& sink, ConsumerId& id) {
  const auto queue = open_queue(session, name);
  if (!queue) return queue.error();
  const bool taken = std::any_of((*queue)->consumers.begin(), (*queue)->consumers.end(),
                                 [&](ConsumerId other) { return consumers.at(other).exclusive; });
  if (taken || (spec.exclusive && (!(*queue)->consumers.empty() || (*queue)->rules.single_active_consumer))) {
    return Refusal{ReplyCode::access_refused, "queue '" + name + "' in vhost '/' in exclusive use"};
  }
  if (const auto* wanted = spec.arguments.find("x-priority");
      wanted != nullptr && spec.arguments.integer("x-priority", 0) != spec.arguments.integer("x-priority", 1)) {
    return Refusal{ReplyCode::precondition_failed,
                   "invalid arg 'x-priority' for queue '" + name + "' in vhost '/': a whole number is wanted"};
  }
  id = ConsumerId{next_consumer_++};
  const auto priority = spec.arguments.integer("x-priority");
  consumers[id] = {session, (*queue)->id, &sink, spec.no_ack, spec.exclusive, priority};
  auto& all = (*queue)->consumers;  // highest priority first
  const auto lower =
      std::find_if(all.begin(), all.end(), [&](ConsumerId other) { return consumers.at(other).priority < priority; });
  const auto active = (*queue)->rules.single_active_consumer && !all.empty() ? all.begin() + 1 : all.begin();
  all.insert(std::max(lower, active), id);
  (*queue)->had_consumer = true;
  touch(**queue);
  kick(**queue);
  return Done{};
}

void Broker::Core::cancel(ConsumerId id) {
  const auto consumer = consumers.find(id);
  if (consumer == consumers.end()) return;
  auto* queue = find_queue(consumer->second.queue);
  consumers.erase(consumer);
  if (queue == nullptr) return;
  std::erase(queue->consumers, id);
  touch(*queue);
  if (queue->spec.auto_delete && queue->consumers.empty()) {
    remove_queue(*queue);
  } else {
    kick(*queue);
  }
}

void Broker::Core::resume(ConsumerId id) {
  const auto consumer = consumers.find(id);
  if (consumer == consumers.end()) return;
  if (auto* queue = find_queue(consumer->second.queue)) kick(*queue);
}

void Broker::Core::kick(Queue& queue) {
  if (queue.kicked || (queue.consumers.empty() && (!demand || queue.ready == 0))) return;
  queue.kicked = true;
  loop.post([this, id = queue.id, alive = alive_] {
    if (!*alive) return;
    auto* still = find_queue(id);
    if (still == nullptr) return;
    still->kicked = false;
    if (!still->consumers.empty()) return pump(*still);
    if (demand && still->ready > 0) demand(still->spec.name);
  });
}

/// A suspect goes only to one that holds nothing; one that holds a suspect gets nothing beside it.
bool Broker::Core::may_have(const Consumer& consumer, bool suspect) const {
  return !consumer.holds_suspect && !(suspect && consumer.holds > 0) && consumer.sink->ready();
}

/// The next consumer, in turn among those of the same priority, that can have a message.
Broker::Core::Consumer* Broker::Core::next_ready(Queue& queue, bool suspect, ConsumerId& id) {
  const auto& all = queue.consumers;
  const auto end = queue.rules.single_active_consumer ? std::min<std::size_t>(all.size(), 1) : all.size();
  for (std::size_t first = 0, last = 0; first < end; first = last) {
    const auto priority = consumers.at(all[first]).priority;
    const bool same = consumers.at(all[end - 1]).priority == priority;
    for (last = same ? end : first; last < end && consumers.at(all[last]).priority == priority;) ++last;
    const auto count = last - first;
    for (std::size_t i = 0; i < count; ++i) {
      const auto index = first + (queue.next_consumer + i) % count;
      auto& consumer = consumers.at(all[index]);
      if (!may_have(consumer, suspect)) continue;
      id = all[index];
      queue.next_consumer = index - first + 1;
      return &consumer;
    }
  }
  return nullptr;
}

void Broker::Core::pump(Queue& queue) {
  const auto id_of_queue = queue.id;
  const auto aside_max = std::min(KeyOrder::aside_max, queue.aside() + KeyOrder::aside_at_once_max);
  while (queue.out - queue.aside() < queue.gate.out_max && queue.gate.credit > 0) {
    const auto front = queue.next(*this);
    if (!front) return;
    const bool suspect = queue.rules.isolate_suspects && front.entry().lost_count > 0;
    ConsumerId id;
    auto* consumer = next_ready(queue, suspect, id);
    // Where no consumer is free for a suspect, those behind it wait, too: giving busy consumers more would keep it
    // waiting for ever.
    if (consumer == nullptr) return;
    auto entry = queue.take(front);
    std::optional<Turn> turn;
    if (queue.order && !(turn = turn_of(queue, entry))) {
      if (queue.aside() < aside_max) continue;
      if (aside_max < KeyOrder::aside_max) kick(queue);
      return;
    }
    auto delivery = hand_out(queue, std::move(entry), std::move(turn), consumer->session, id, consumer->no_ack);
    if (!delivery && read_timer_ != 0) return;
    if (!delivery) continue;
    if (!consumer->no_ack) {
      ++consumer->holds;
      consumer->holds_suspect = suspect;
    }
    delivery->probing = queue.gate.probing;
    if (queue.gate.credit != Gate::unlimited) --queue.gate.credit;
    consumer->sink->deliver(std::move(*delivery));
    if (find_queue(id_of_queue) != &queue) return;
  }
}

std::optional<Delivery> Broker::Core::hand_out(Queue& queue, Entry entry, std::optional<Turn> turn, SessionId session,
                                               ConsumerId consumer, bool no_ack) {
  auto message = message_of(entry);
  Change change;
  if (!message && read_timer_ != 0) {
    (void)queue.put_back(std::move(entry), *this);
    return std::nullopt;
  }
  if (!message) {
    leave(change, queue, entry, storage::Left::damaged);
    submit(std::move(change), false, {});
    return std::nullopt;
  }
  const auto number = entry.number;
  Delivery delivery{{}, consumer, std::move(message), entry.redelivered, entry.lost_count};
  if (no_ack) {
    delivery.id = DeliveryId{++unsettled_ids_};
    ++queue.settled_total;
    leave(change, queue, entry, storage::Left::acknowledged);
    if (!change.items.empty()) submit(std::move(change), false, {});
    if (turn) begin_turn(queue, number, *turn, delivery, no_ack);
    return delivery;
  }
  if (entry.at.segment != 0) entry.message = nullptr;  // if it returns, it is read from the log
  ++queue.out;
  delivery.id = outstanding.add({session, consumer, queue.id, std::move(entry)});
  if (turn) begin_turn(queue, number, *turn, delivery, no_ack);
  return delivery;
}

Answer<std::optional<Delivery>> Broker::Core::get(SessionId session, const std::string& name, bool no_ack) {
  const auto queue = open_queue(session, name);
  if (!queue) return queue.error();
  touch(**queue);
  while (const auto front = (*queue)->next(*this)) {
    auto entry = (*queue)->take(front);
    std::optional<Turn> turn;
    if ((*queue)->order && !(turn = turn_of(**queue, entry))) {
      if ((*queue)->aside() >= KeyOrder::aside_max) break;
      continue;
    }
    if (auto delivery = hand_out(**queue, std::move(entry), std::move(turn), session, {}, no_ack))
      return std::optional(std::move(*delivery));
    if (read_timer_ != 0) break;
  }
  return std::optional<Delivery>();
}

Answer<Done> Broker::Core::browse(std::string_view name, std::uint64_t after,
                                  const std::function<bool(const Waiting&)>& visit) {
  auto* queue = find_queue(name);
  if (queue == nullptr) return Refusal{ReplyCode::not_found, "no queue '" + std::string(name) + "' in vhost '/'"};
  walk(*queue, [&](const Entry& entry) {
    if (entry.number <= after) return true;
    auto message = message_of(entry);
    return !message || visit({entry.number, std::move(message)});
  });
  return Done{};
}

Answer<std::vector<Delivery>> Broker::Core::take(SessionId session, std::string_view name,
                                                 const std::vector<std::uint64_t>& numbers) {
  const auto queue = open_queue(session, name);
  if (!queue) return queue.error();
  std::vector<Entry> found;
  (*queue)->walk(*this, [&](const Entry& entry) {
    if (numbers.empty() || entry.number > numbers.back()) return false;
    if (std::ranges::binary_search(numbers, entry.number)) found.push_back(entry);
    return true;
  });
  std::vector<Delivery> taken;
  for (const auto& one : found) {
    auto entry = take_waiting(**queue, one);
    auto delivery = entry ? hand_out(**queue, std::move(*entry), {}, session, {}, false) : std::nullopt;
    if (delivery) taken.push_back(std::move(*delivery));
  }
  return taken;
}

Answer<std::vector<MessagePtr>> Broker::Core::peek(std::string_view name, std::size_t offset, std::size_t count) {
  auto* queue = find_queue(name);
  if (queue == nullptr) return Refusal{ReplyCode::not_found, "no queue '" + std::string(name) + "' in vhost '/'"};
  std::vector<MessagePtr> found;
  if (count == 0) return found;
  walk(*queue, [&](const Entry& entry) {
    if (offset > 0) {
      --offset;
      return true;
    }
    if (auto message = message_of(entry)) found.push_back(std::move(message));
    return found.size() < count;
  });
  return found;
}

}  // namespace millrace::broker
