#pragma once

#include <functional>
#include <string>

#include "component/worker_environment.hpp"
#include "core/result.hpp"
#include "io/posix/loop.hpp"

namespace millrace::component {

/// Gives the platform a step's new position: `PUT {api_uri}/v1/tasks/{flow}/steps/{step}/snapshot`, JSON text, with the
/// worker's user. `done` is called once, on the loop, within ten seconds: with Done when it is kept for good.
void save_snapshot(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, const std::string& text,
                   std::function<void(Status)> done);

}  // namespace millrace::component
