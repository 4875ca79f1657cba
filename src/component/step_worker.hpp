#pragma once

#include <functional>
#include <memory>

#include "component/action.hpp"
#include "component/worker_environment.hpp"
#include "io/posix/loop.hpp"

namespace millrace::component {

/// A step's runner in a process of its own: asks the platform's API for its settings, then runs the step (StepRunner)
/// on a connection to the broker. `ended` is called once: with Done after drain(), with an Error when settings, action
/// or link cannot be had or the link is lost (the process then exits and the orchestrator starts another).
class StepWorker {
 public:
  StepWorker(io::posix::AsioLoop& loop, const Catalogue& catalogue, WorkerEnvironment environment,
             std::function<void(Status)> ended);
  ~StepWorker();

  /// SIGTERM: takes no more messages, finishes what is in work (commits it), closes in order, then calls `ended`.
  void drain();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::component
