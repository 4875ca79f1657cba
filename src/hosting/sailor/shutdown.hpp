#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "core/result.hpp"
#include "hosting/step_login.hpp"
#include "io/posix/loop.hpp"

namespace millrace::hosting::sailor {

/// A trigger's shutdown hook, in a process of its own (ELASTICIO_HOOK_SHUTDOWN) that gets what its startup hook has
/// left. It has run when the library deletes that, or the process ends with 0. It has 25 s. Destroying it ends it.
class Shutdown {
 public:
  /// `login`: of the step's credential, if it names one. `ended` is called once, on the loop, not from inside. Loop and
  /// environment outlive it.
  static Result<std::unique_ptr<Shutdown>> begin(io::posix::AsioLoop& loop,
                                                 const component::WorkerEnvironment& environment,
                                                 const component::StepSettings& settings,
                                                 std::optional<StepLogin> login, std::string data,
                                                 std::function<void(Status)> ended);
  ~Shutdown();

 private:
  class State;
  explicit Shutdown(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace millrace::hosting::sailor
