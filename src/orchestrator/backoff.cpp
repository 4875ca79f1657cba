#include "orchestrator/backoff.hpp"

#include <algorithm>

namespace millrace::orchestrator {

std::chrono::milliseconds Backoff::ended(std::chrono::milliseconds connected_for) {
  const bool anew = last_.count() == 0 || connected_for >= schedule_.well_after;
  last_ = anew ? schedule_.first : std::min(last_ * 2, schedule_.max);
  return last_;
}

}  // namespace millrace::orchestrator
