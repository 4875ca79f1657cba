#pragma once

#include <string>

#include "app/commands.hpp"
#include "flow/plan.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::app {

/// What the platform's settings say of running, for flows that do not say it themselves.
flow::Running running_of(const ServeOptions& options);

/// One start of a worker by the contract of component::WorkerEnvironment. Its environment holds that and, of this
/// process's own, only what a program needs to find its way (PATH, time zone, locale, proxies, certificates): the
/// secrets that flow files refer to reach a worker as its step's settings or not at all. A container gets less, for the
/// files of this machine are not its own, and a time (MILLRACE_OUTLIVES_PLATFORM, seconds) to wait for a platform that
/// is started again.
orchestrator::Launch worker_launch(const flow::WorkerPlan& plan, const orchestrator::WorkerKey& worker,
                                   const orchestrator::Credentials& credentials, const std::string& run_id,
                                   const ServeOptions& options);

}  // namespace millrace::app
