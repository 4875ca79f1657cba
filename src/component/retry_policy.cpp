#include "component/retry_policy.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::component {

std::chrono::milliseconds RetryPolicy::delay_before(std::uint32_t next_attempt) const {
  const double retries_before = next_attempt > 2 ? next_attempt - 2 : 0;
  const double delay = static_cast<double>(initial.count()) * std::pow(factor, retries_before);
  if (!(delay < static_cast<double>(max.count()))) return max;
  return std::chrono::milliseconds(std::max<std::int64_t>(0, std::llround(delay)));
}

}  // namespace millrace::component
