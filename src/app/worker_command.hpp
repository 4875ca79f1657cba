#pragma once

#include "component/action.hpp"

namespace millrace::app {

/// `millrace worker`: runs the step that its environment names (component::WorkerEnvironment) until SIGTERM, then
/// finishes what is in work. Returns an ExitCode; when memory runs out, the process ends at once with
/// orchestrator::exit_out_of_memory.
int run_worker(const component::Catalogue& catalogue);

}  // namespace millrace::app
