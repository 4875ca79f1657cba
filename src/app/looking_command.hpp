#pragma once

#include "app/deployment_command.hpp"

namespace millrace::app {

// Commands that look at what runs. Each returns an ExitCode; results go to stdout, errors to stderr.

/// The last lines of a flow's or a step's log, and with `follow` those that come, until the platform ends.
int show_logs(const ApiOptions& options);
// Tables of what there is, of `flow` or of all.
int list_queues(const ApiOptions& options);
int list_workers(const ApiOptions& options);
int list_schedules(const ApiOptions& options);
/// The platforms that share the store.
int list_members(const ApiOptions& options);
/// The position of the polling trigger FLOW/STEP, or the one of FLOW.
int show_snapshot(const ApiOptions& options);
int reset_snapshot(const ApiOptions& options);

}  // namespace millrace::app
