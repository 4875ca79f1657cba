#include "orchestrator/driver/drivers.hpp"

namespace millrace::orchestrator {

WorkerHandle Drivers::start(const Launch& launch, WorkerEvents events) {
  const bool container = launch.how == Launch::How::container;
  Driver& driver = container ? containers_ : processes_;
  return ours(driver.start(launch, std::move(events)), container);
}

/// Processes do not survive: only containers are asked for.
void Drivers::find_survivors(std::function<void(std::vector<Survivor>)> found) {
  containers_.find_survivors([found = std::move(found)](std::vector<Survivor> survivors) {
    for (auto& survivor : survivors) survivor.handle = ours(survivor.handle, true);
    found(std::move(survivors));
  });
}

bool Drivers::adopt(WorkerHandle survivor, const Launch& launch, WorkerEvents events) {
  const bool container = launch.how == Launch::How::container;
  return container && of(survivor).adopt(theirs(survivor), launch, std::move(events));
}

}  // namespace millrace::orchestrator
