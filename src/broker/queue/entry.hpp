#pragma once

#include <cstdint>

#include "broker/message.hpp"
#include "storage/format.hpp"
#include "storage/items.hpp"

namespace millrace::broker {

/// One message in one queue.
struct Entry {
  std::uint64_t number = 0;      ///< order of all messages; a returned one goes back to its place
  MessagePtr message;            ///< null: read it from the log at `at`
  std::uint64_t expires_at = 0;  ///< ms since the Unix epoch; 0: never
  storage::Position at;          ///< segment 0: only in memory
  std::uint32_t size = 0;        ///< bytes of properties and body
  std::uint16_t lost_count = 0;  ///< how often a consumer was lost while holding it
  std::uint8_t priority = 0;     ///< of a queue with x-max-priority; 0 elsewhere
  bool redelivered : 1 = false;
  /// What stood before it, in its segment and for this queue, may have left (storage::IndexEntry::gap).
  bool gap : 1 = true;
  bool gone : 1 = false;  ///< it has left from between others, and its place is kept for a while

  storage::Place place(std::uint32_t queue) const { return {queue, priority, number, at, size}; }
};
static_assert(sizeof(Entry) == 48, "a backlog in memory is made of these");

/// The earlier of two expiries, of which 0 is none.
inline void take_earlier(std::uint64_t& first, std::uint64_t expires_at) {
  if (expires_at != 0 && (first == 0 || expires_at < first)) first = expires_at;
}

}  // namespace millrace::broker
