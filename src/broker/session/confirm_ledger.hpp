#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace millrace::broker {

/// Publisher confirms of one channel (https://www.rabbitmq.com/confirms.html): numbers publishes 1, 2, 3 …, takes their
/// outcomes in any order and tells the client in as few methods as possible: one basic.ack with `multiple` for a run.
class ConfirmLedger {
 public:
  /// The number of the next publish.
  std::uint64_t begin();
  /// `count` publishes from number `first` are durable, or were refused.
  void settle(std::uint64_t first, std::uint64_t count, bool stored);
  /// Publishes are not all settled and written.
  bool waits() const { return !outcomes_.empty(); }
  std::size_t open() const { return outcomes_.size(); }
  struct Written {  ///< publishes
    std::uint64_t stored = 0;
    std::uint64_t refused = 0;
  };
  /// Writes acks and nacks for what has become certain since the last call.
  Written write(std::string& out, std::uint16_t channel);

 private:
  enum class Outcome : std::uint8_t { open, stored, refused };

  std::deque<Outcome> outcomes_;  // of numbers confirmed_ + 1, …
  std::uint64_t confirmed_ = 0;
};

}  // namespace millrace::broker
