#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_set>
#include <utility>

#include "storage/checksum.hpp"

namespace millrace::broker {

/// The message-ids that a queue has taken in lately: at most `count_max` of them, none older than `length`.
class DedupWindow {
 public:
  DedupWindow(std::uint64_t length, std::size_t count_max) : length_(length), count_max_(count_max) {}

  bool open() const { return length_ > 0; }
  /// False if the id is in the window: a repeat. Times are ms since the Unix epoch.
  bool take(const storage::Digest& id, std::uint64_t now);

  /// Ids with the time they were taken in, oldest first.
  const std::deque<std::pair<storage::Digest, std::uint64_t>>& ids() const { return order_; }

 private:
  struct Hash {
    std::size_t operator()(const storage::Digest& id) const { return id.low; }
  };
  void forget_until(std::uint64_t now);

  std::uint64_t length_;  ///< ms; 0: no window
  std::size_t count_max_;
  std::unordered_set<storage::Digest, Hash> ids_;
  std::deque<std::pair<storage::Digest, std::uint64_t>> order_;
};

}  // namespace millrace::broker
