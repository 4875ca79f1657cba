#pragma once

#include "app/deployment_command.hpp"

namespace millrace::app {

// Commands that look at what runs. Each returns an ExitCode; results go to stdout, errors to stderr.

/// The last lines of a flow's or a step's log, and with `follow` those that come, until the platform ends.
int show_logs(const ApiOptions& options);

}  // namespace millrace::app
