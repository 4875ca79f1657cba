#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "broker/broker.hpp"
#include "io/loop.hpp"

namespace millrace::deployment {

/// How long the oldest message of a queue has waited, told from how many had come in at each earlier look: exact to the
/// interval between two looks, and at most as long as the looks that are remembered (the last 600).
class WaitingTime {
 public:
  /// Nothing if none waits.
  std::optional<std::chrono::milliseconds> look(const broker::QueueStatus& queue, io::SteadyTime now);

 private:
  struct Look {
    io::SteadyTime at;
    std::uint64_t published_total;
  };
  std::deque<Look> looks_;  ///< the first is the one by which the oldest waiting message had come in
};

}  // namespace millrace::deployment
