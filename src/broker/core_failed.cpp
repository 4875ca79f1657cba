// After a failed sync, or a write that failed for another reason than space: until the restart nothing is stored any
// more. What was stored before is still delivered; publishing is refused, and so is whatever waits for the disk.
#include <algorithm>

#include "broker/core.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

std::optional<Refusal> Broker::Core::refuse_storing() const {
  if (!log->failure()) return std::nullopt;
  return Refusal{ReplyCode::internal_error,
                 "storage failed, nothing is taken in until the restart: " + log->failure()->message};
}

bool Broker::Core::settles_stored(const Batch& batch) {
  return std::any_of(batch.settlements.begin(), batch.settlements.end(), [&](const Settlement& settlement) {
    const auto* delivery = outstanding.find(settlement.delivery);
    const auto* queue = delivery == nullptr ? nullptr : find_queue(delivery->queue);
    return queue != nullptr && queue->logged;
  });
}

/// Nothing is to be stored. Where the storage has failed, what was there before it is there still.
void Broker::Core::tell(Durable durable) {
  if (!durable) return;
  if (!log->failure() || topology_lost_) return log->after_pending(std::move(durable));
  loop.post([durable = std::move(durable), alive = alive_] {
    if (*alive) durable(Done{});
  });
}

void Broker::Core::withdraw(Change& change) {
  topology_lost_ = topology_lost_ || change.topology;
  for (auto& arrival : change.arrivals) {
    auto* queue = find_queue(arrival.queue);
    if (queue == nullptr) continue;
    auto& backlog = queue->backlog(arrival.entry.priority);
    auto* part = backlog.find(arrival.entry.at.segment);
    const auto index = part == nullptr ? std::nullopt : part->find(arrival.entry.number);
    if (index) arrival.entry = backlog.take(*part, *index);
    arrive_unstored(*queue, arrival);
  }
  leave_in_places(change);  // and change.freed stays held: what is before them comes again after the restart
}

/// What consumers and the clock bring about.
void Broker::Core::go_on_unstored(Change& change) {
  for (auto& arrival : change.arrivals) {
    if (auto* queue = find_queue(arrival.queue)) arrive_unstored(*queue, arrival);
  }
  leave_in_places(change);
}

/// A dead letter goes on in memory, as long as that is little: in the log it still lies where it was, and does so again
/// after a restart.
void Broker::Core::arrive_unstored(Queue& queue, Change::Arrival& arrival) {
  auto& entry = arrival.entry;
  if (!arrival.republished || !entry.message || residents.body_bytes > limits.bodies_max) {
    --queue.arriving;
    queue.arriving_bytes -= entry.size;
    return;
  }
  entry.at = {};
  (void)queue.backlog(entry.priority).put_back(entry, *this, true);
  arrive(queue, arrival);
}

}  // namespace millrace::broker
