#pragma once

#include <vector>

#include <boost/json/object.hpp>

#include "app/console.hpp"
#include "broker/broker.hpp"
#include "flow/plan.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::app {

/// `GET /v1/status`: totals, flows with their steps' queues, workers with their last ends, leftover queues. Times are
/// ms since the Unix epoch. `engine` is WorkerDrivers::report().
boost::json::object status_report(const Totals& totals, const broker::Broker& broker,
                                  const std::vector<flow::Plan>& plans,
                                  const std::vector<orchestrator::WorkerStatus>& workers,
                                  const boost::json::object& engine);

}  // namespace millrace::app
