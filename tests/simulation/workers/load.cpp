#include "load.hpp"

#include <algorithm>
#include <utility>

namespace millrace::simulation {

using namespace std::chrono_literals;

bool StepLoad::second(std::uint32_t connected, io::SteadyTime now) {
  // Arrivals are as uneven as a second's are.
  const auto arrivals = rate_ * (0.5 + static_cast<double>(chance_.below(1001)) / 1000);
  const auto done = std::min(backlog_ + arrivals, connected * rate_of_one);
  arrived_ += arrivals;
  settled_ += done;
  backlog_ += arrivals - done;
  orchestrator::Load load;
  load.messages = static_cast<std::uint64_t>(backlog_ + 0.999);
  load.waits = backlog_ >= 1;
  load.arrived_total = static_cast<std::uint64_t>(arrived_);
  load.settled_total = static_cast<std::uint64_t>(settled_);
  if (load.waits && rate_ > 0) load.oldest_wait = std::chrono::milliseconds(static_cast<int>(backlog_ / rate_ * 1000));
  load.connected = connected;
  const auto before = memory_.wanted;
  memory_ = orchestrator::scale(bounds, load, std::move(memory_), now, {});
  if (memory_.wanted != before) ++changes;
  return memory_.wanted != before;
}

void StepLoad::change_rate() {
  rate_ = chance_.percent(30) ? 0 : static_cast<double>(chance_.below(700));
}

}  // namespace millrace::simulation
