#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "broker/broker.hpp"
#include "broker/queue/backlog.hpp"
#include "broker/queue/dedup_window.hpp"
#include "broker/queue/key_order.hpp"
#include "broker/queue/queue_rules.hpp"

namespace millrace::broker {

/// A queue's messages and who reads them. Data only: what happens to it is Broker::Core's to decide. Messages that are
/// out with consumers are not in it (Deliveries).
class Queue {
 public:
  Queue(std::uint32_t id, QueueSpec spec, QueueRules rules, SessionId owner, Residents& residents);

  const std::uint32_t id;
  const QueueSpec spec;
  const QueueRules rules;
  const SessionId owner;  ///< of an exclusive queue
  /// Its messages are in the log.
  const bool logged;

  std::uint64_t ready = 0;  ///< messages that wait for a consumer
  std::uint64_t ready_bytes = 0;
  std::uint64_t out = 0;       ///< with consumers, or set aside (KeyOrder)
  std::uint64_t arriving = 0;  ///< taken in, not yet durable
  std::uint64_t arriving_bytes = 0;
  std::vector<ConsumerId> consumers;
  std::size_t next_consumer = 0;
  bool had_consumer = false;
  DedupWindow window;
  std::uint64_t published_total = 0;
  std::uint64_t settled_total = 0;
  std::uint64_t purged_total = 0;
  bool kicked = false;
  bool tapped = false;  ///< it keeps nothing: Broker::tap
  Gate gate;
  std::unique_ptr<KeyOrder> order;  ///< of an ordered queue
  std::uint64_t used_at = 0;        ///< ms since the Unix epoch; with x-expires
  bool watched_for_use = false;

  /// The next to deliver, the oldest of the highest priority, is the first entry of this part.
  struct Front {
    Backlog* backlog = nullptr;
    Part* part = nullptr;
    explicit operator bool() const { return part != nullptr; }
    const Entry& entry() const { return part->entries().front(); }
  };
  Front next(PartSource& source);
  /// The first to drop when there are too many: the oldest of the lowest priority.
  Front first_to_drop(PartSource& source);
  Entry take(const Front& front);
  Entry take(Backlog& backlog, Part& part, std::size_t index);
  /// Returns the part in which it now lies.
  Part& put_back(Entry entry, PartSource& source);

  /// Its backlogs, lowest priority first; most queues have one.
  const std::vector<std::unique_ptr<Backlog>>& backlogs() const { return backlogs_; }
  Backlog& backlog(std::uint8_t priority);
  Backlog* find_backlog(std::uint8_t priority);
  bool walk(PartSource& source, const std::function<bool(const Entry&)>& visit) const;
  std::uint8_t priority_of(std::uint8_t wanted) const { return std::min(wanted, rules.priority_max); }
  std::uint64_t aside() const { return order ? order->aside : 0; }
  std::uint64_t body_bytes() const;
  bool full(std::uint64_t added_bytes) const;
  QueueStatus status() const;

 private:
  Residents& residents_;
  std::vector<std::unique_ptr<Backlog>> backlogs_;
};

}  // namespace millrace::broker
