#pragma once

#include "component/worker_environment.hpp"

namespace millrace::app {

/// A worker that runs its trigger's shutdown hook and reads no queue (deployment::Startups): asks the platform for the
/// settings and for what the startup hook has left, runs the hook, tells the platform that it has run, and waits to be
/// ended. The exit code says whether it has.
int run_shutdown(const component::WorkerEnvironment& environment);

}  // namespace millrace::app
