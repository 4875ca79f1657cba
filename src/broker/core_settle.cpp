// How messages leave their queue, or return to it: by a consumer's word, by its end, or because there are too many.
#include <algorithm>

#include "broker/core.hpp"

namespace millrace::broker {

void Broker::Core::leave(Change& change, Queue& queue, const Entry& entry, storage::Left how) {
  if (queue.order) left_unsettled(queue, entry.number);
  if (entry.at.segment == 0) return;
  storage::encode(change.items, storage::SettledItem{how, entry.place(queue.id)});
  change.gone.push_back({entry.at.segment, 1, entry.size});
}

Outstanding Broker::Core::take_outstanding(DeliveryId id) {
  auto delivery = outstanding.take(id);
  if (const auto consumer = consumers.find(delivery.consumer); consumer != consumers.end()) {
    --consumer->second.holds;
    if (consumer->second.holds == 0) consumer->second.holds_suspect = false;
  }
  if (auto* queue = find_queue(delivery.queue)) --queue->out;
  return delivery;
}

void Broker::Core::settle(Change& change, DeliveryId id, Settle how) {
  if (how == Settle::requeue) {
    const auto* returns_to = find_queue(outstanding.find(id)->queue);
    if (returns_to != nullptr && returns_to->rules.counts_returns) return return_counted(change, id);
  }
  auto delivery = take_outstanding(id);
  auto& entry = delivery.entry;
  auto* queue = find_queue(delivery.queue);
  if (queue == nullptr) return;
  if (how == Settle::requeue) {
    if (queue->order) give_up_turn(*queue, id, entry.number);
    entry.redelivered = true;
    return put_back(change, *queue, std::move(entry));
  }
  if (queue->order) end_turn(change, *queue, id);
  if (how == Settle::ack) {
    ++queue->settled_total;
    leave(change, *queue, entry, storage::Left::acknowledged);
  } else {
    dead_letter(change, *queue, entry, "rejected");
    leave(change, *queue, entry, storage::Left::rejected);
  }
  kick(*queue);
}

void Broker::Core::put_back(Change& change, Queue& queue, Entry entry) {
  const auto priority = entry.priority;
  auto& part = queue.put_back(std::move(entry), *this);
  watch_expiry(queue.backlog(priority), part);
  drop_overflow(change, queue);
  kick(queue);
}

bool Broker::Core::is_last_return(DeliveryId id) {
  const auto& delivery = *outstanding.find(id);
  const auto* queue = find_queue(delivery.queue);
  return queue != nullptr && queue->rules.delivery_limit &&
         delivery.entry.lost_count + 1u > *queue->rules.delivery_limit;
}

void Broker::Core::return_counted(Change& change, DeliveryId id) {
  const bool last = is_last_return(id);
  auto delivery = take_outstanding(id);
  auto* queue = find_queue(delivery.queue);
  if (queue == nullptr) return;
  auto& entry = delivery.entry;
  entry.redelivered = true;
  if (entry.lost_count < 0xffff) ++entry.lost_count;
  if (queue->order) last ? end_turn(change, *queue, id) : give_up_turn(*queue, id, entry.number);
  if (last) {
    dead_letter(change, *queue, entry, "delivery_limit");
    leave(change, *queue, entry, storage::Left::lost_often);
    return;
  }
  if (entry.at.segment != 0) storage::encode(change.items, storage::LostItem{entry.place(queue->id), entry.lost_count});
  put_back(change, *queue, std::move(entry));
}

void Broker::Core::end_session(SessionId session, SessionEnd how) {
  std::vector<ConsumerId> ended;
  for (const auto& [id, consumer] : consumers) {
    if (consumer.session == session) ended.push_back(id);
  }
  std::sort(ended.begin(), ended.end());
  for (const auto id : ended) cancel(id);
  Change change;
  const auto give_back = [&](DeliveryId id) {
    how == SessionEnd::lost ? return_counted(change, id) : settle(change, id, Settle::requeue);
  };
  auto held = outstanding.select([&](const Outstanding& it) { return it.session == session; });
  std::erase_if(held, [&](DeliveryId id) { return is_last_return(id) && (give_back(id), true); });
  // The newest first: each returns to the front of what has returned before it.
  std::for_each(held.rbegin(), held.rend(), give_back);
  std::vector<Queue*> own;
  for (const auto& [name, queue] : queues) {
    if (queue->spec.exclusive && queue->owner == session) own.push_back(queue.get());
  }
  for (auto* queue : own) remove_queue(*queue);
  if (!change.items.empty() || !change.arrivals.empty()) submit(std::move(change), true, {});
}

void Broker::Core::drop_overflow(Change& change, Queue& queue) {
  if (queue.rules.reject_publish) return;
  const auto over = [&] {
    return (queue.rules.length_max && queue.ready > *queue.rules.length_max) ||
           (queue.rules.length_bytes_max && queue.ready_bytes > *queue.rules.length_bytes_max);
  };
  while (over()) {
    const auto front = queue.first_to_drop(*this);
    if (!front) break;
    const auto entry = queue.take(front);
    dead_letter(change, queue, entry, "maxlen");
    leave(change, queue, entry, storage::Left::overflowed);
  }
}

}  // namespace millrace::broker
