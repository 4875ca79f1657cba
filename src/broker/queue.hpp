#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "broker/dedup_window.hpp"
#include "broker/queue_rules.hpp"
#include "storage/format.hpp"

namespace millrace::broker {

/// One message in one queue.
struct Entry {
  std::uint64_t number = 0;  ///< order of all messages; a returned one goes back to its place
  MessagePtr message;        ///< null: read it from the log at `at`
  storage::Position at;      ///< segment 0: only in memory
  std::uint32_t size = 0;    ///< bytes of properties and body
  std::uint32_t lost_count = 0;
  std::uint64_t expires_at = 0;  ///< ms since the Unix epoch; 0: never
  bool redelivered = false;
  std::uint8_t priority = 0;  ///< of a queue with x-max-priority; 0 elsewhere
};

/// A queue's messages and who reads them. Data only: what happens to it is Broker::Core's to decide.
class Queue {
 public:
  Queue(std::uint32_t id, QueueSpec spec, QueueRules rules, SessionId owner);

  const std::uint32_t id;
  const QueueSpec spec;
  const QueueRules rules;
  const SessionId owner;  ///< of an exclusive queue
  /// Its messages are in the log.
  const bool logged;

  std::map<std::uint64_t, Entry> ready;
  std::map<std::uint64_t, Entry> out;  ///< with consumers, or leaving
  std::uint64_t ready_bytes = 0;
  std::uint64_t arriving = 0;  ///< taken in, not yet durable
  std::uint64_t arriving_bytes = 0;
  std::vector<ConsumerId> consumers;
  std::size_t next_consumer = 0;
  bool had_consumer = false;
  DedupWindow window;
  std::uint64_t published_total = 0;
  std::uint64_t settled_total = 0;
  bool kicked = false;
  std::uint64_t used_at = 0;  ///< ms since the Unix epoch; with x-expires
  bool watched_for_use = false;

  void put(Entry entry);
  Entry take(std::map<std::uint64_t, Entry>::iterator entry);
  /// The next to deliver: the oldest of the highest priority; ready.end() if there is none.
  std::map<std::uint64_t, Entry>::iterator next();
  /// The first to drop when there are too many: the oldest of the lowest priority.
  std::map<std::uint64_t, Entry>::iterator first_to_drop();
  std::uint8_t priority_of(std::uint8_t wanted) const { return std::min(wanted, rules.priority_max); }
  bool full(std::uint64_t added_bytes) const;
  QueueStatus status() const;

 private:
  /// Numbers in `ready` by priority, lowest first; only of a queue with priorities.
  std::map<std::uint8_t, std::set<std::uint64_t>> by_priority_;
};

}  // namespace millrace::broker
