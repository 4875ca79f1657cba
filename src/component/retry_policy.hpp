#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace millrace::component {

/// A step's `retry:`. The nth retry comes `delays`[n-1] after the failed try or, where there are no `delays`,
/// min(max, initial · factor^(n-1)); after `attempts` tries the message is a dead letter. A lost worker counts as a try
/// of the message that it was working on alone.
struct RetryPolicy {
  std::chrono::milliseconds initial{1'000};
  double factor = 2;
  std::chrono::milliseconds max{300'000};
  std::uint32_t attempts = 20;
  std::vector<std::chrono::milliseconds> delays = {};  ///< if there are any: attempts - 1, and the rest is not used

  /// Wait before try number `next_attempt` (2 = first retry).
  std::chrono::milliseconds delay_before(std::uint32_t next_attempt) const;

  /// The schedule that https://www.standardwebhooks.com recommends: ten tries in a little over three days.
  static RetryPolicy standard_webhooks();
  /// Of a step that says nothing: quick at first, for what is over in a moment, then as long as standard_webhooks().
  static RetryPolicy usual();
};

}  // namespace millrace::component
