#include "component/retry_policy.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::component {

using namespace std::chrono_literals;

namespace {

RetryPolicy by_delays(std::vector<std::chrono::milliseconds> delays) {
  RetryPolicy policy;
  policy.attempts = static_cast<std::uint32_t>(delays.size()) + 1;
  policy.delays = std::move(delays);
  return policy;
}

}  // namespace

RetryPolicy RetryPolicy::standard_webhooks() {
  return by_delays({5s, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h});
}

RetryPolicy RetryPolicy::usual() {
  return by_delays({1s, 2s, 5s, 10s, 30s, 1min, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h});
}

std::chrono::milliseconds RetryPolicy::delay_before(std::uint32_t next_attempt) const {
  const std::uint32_t retries_before = next_attempt > 2 ? next_attempt - 2 : 0;
  if (!delays.empty()) return delays[std::min<std::size_t>(retries_before, delays.size() - 1)];
  const double delay = static_cast<double>(initial.count()) * std::pow(factor, retries_before);
  if (!(delay < static_cast<double>(max.count()))) return max;
  return std::chrono::milliseconds(std::max<std::int64_t>(0, std::llround(delay)));
}

}  // namespace millrace::component
