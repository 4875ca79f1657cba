#pragma once

#include <string>
#include <vector>

#include "api/dead_letters.hpp"
#include "broker/queues.hpp"
#include "deployment/books.hpp"
#include "deployment/deployments.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::api {

/// What flows are doing, for Prometheus; docs/metrics.md lists the names. The books of a flow balance at every moment
/// (deployment::Balance), and those of a step (deployment::StepCount).
/// `now_ms`: since the Unix epoch.
std::string flow_metrics_text(const broker::Queues& broker, const DeadLetters& letters,
                              const deployment::Deployments& deployments,
                              const std::vector<orchestrator::WorkerStatus>& workers, const deployment::Totals& totals,
                              std::int64_t now_ms);

}  // namespace millrace::api
