#pragma once

#include <chrono>
#include <cstdint>

namespace millrace::component {

/// A step's `retry:`. The nth retry comes min(max, initial · factor^(n-1)) after the failed try; after `attempts` tries
/// the message is a dead letter. A lost worker counts as a try of the message that it was working on alone.
struct RetryPolicy {
  std::chrono::milliseconds initial{1'000};
  double factor = 2;
  std::chrono::milliseconds max{300'000};
  std::uint32_t attempts = 20;

  /// Wait before try number `next_attempt` (2 = first retry).
  std::chrono::milliseconds delay_before(std::uint32_t next_attempt) const;
};

}  // namespace millrace::component
