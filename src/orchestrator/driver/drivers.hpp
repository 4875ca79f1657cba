#pragma once

#include "orchestrator/driver.hpp"

namespace millrace::orchestrator {

/// Processes and containers side by side: each launch goes to the driver that it asks for. Both outlive it.
class Drivers final : public Driver {
 public:
  Drivers(Driver& processes, Driver& containers) : processes_(processes), containers_(containers) {}

  WorkerHandle start(const Launch& launch, WorkerEvents events) override;
  void terminate(WorkerHandle worker) override { of(worker).terminate(theirs(worker)); }
  void kill(WorkerHandle worker) override { of(worker).kill(theirs(worker)); }
  Whereabouts whereabouts(WorkerHandle worker) const override { return of(worker).whereabouts(theirs(worker)); }

  void find_survivors(std::function<void(std::vector<Survivor>)> found) override;
  bool adopt(WorkerHandle survivor, const Launch& launch, WorkerEvents events) override;
  void discard(WorkerHandle survivor) override { of(survivor).discard(theirs(survivor)); }

 private:
  /// Even handles are processes, odd ones containers.
  static bool is_container(WorkerHandle ours) { return ours % 2 == 1; }
  static WorkerHandle theirs(WorkerHandle ours) { return ours / 2; }
  static WorkerHandle ours(WorkerHandle theirs, bool container) { return theirs * 2 + (container ? 1 : 0); }
  Driver& of(WorkerHandle worker) const { return is_container(worker) ? containers_ : processes_; }

  Driver& processes_;
  Driver& containers_;
};

}  // namespace millrace::orchestrator
