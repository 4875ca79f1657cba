#pragma once

#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/dead_letters.hpp"
#include "broker/queues.hpp"
#include "deployment/books.hpp"
#include "deployment/deployments.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::api {

/// `GET /v1/status`: totals, flows, workers, leftover queues. Times are ms since the Unix epoch. `engine` is
/// WorkerDrivers::report().
boost::json::object status_report(const deployment::Totals& totals, const broker::Queues& broker,
                                  const DeadLetters& letters, const deployment::Deployments& deployments,
                                  const std::vector<orchestrator::WorkerStatus>& workers,
                                  const boost::json::object& engine);

/// Workers with their last ends.
boost::json::array worker_reports(const std::vector<orchestrator::WorkerStatus>& workers);

}  // namespace millrace::api
