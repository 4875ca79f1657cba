#pragma once

#include <functional>

#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "io/posix/loop.hpp"

namespace millrace::component {

/// Asks the platform for a step's settings: `GET {api_uri}/v1/tasks/{flow}/steps/{step}` with the worker's user. `done`
/// is called once, on the loop; within ten seconds.
void request_settings(io::posix::AsioLoop& loop, const WorkerEnvironment& environment,
                      std::function<void(Result<StepSettings>)> done);

}  // namespace millrace::component
