#pragma once

#include "component/action.hpp"
#include "component/worker_environment.hpp"

namespace millrace::app {

/// The worker that tries one credential (Verifications): asks for its settings, lets the function try the credential,
/// and writes {"ok": …, "message": …} as its last line to standard output. Returns an ExitCode.
int run_verification(const component::Catalogue& catalogue, const component::WorkerEnvironment& environment);

}  // namespace millrace::app
