#pragma once

#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "deployment/deployed.hpp"
#include "deployment/tally.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::api {

/// What flows are doing, for Prometheus; docs/metrics.md lists the names. The books of a step balance at every moment:
/// taken in = finished + waiting + in work + retrying + removed. The last is what left its queues without a worker's
/// answer.
/// `now_ms`: since the Unix epoch.
std::string flow_metrics_text(const broker::Broker& broker, const deployment::Deployed& deployed,
                              const std::vector<orchestrator::WorkerStatus>& workers, const deployment::Totals& totals,
                              std::int64_t now_ms);

}  // namespace millrace::api
