#pragma once

#include <functional>
#include <string>

#include "broker/queues.hpp"
#include "flow/plan.hpp"

namespace millrace::app {

/// What a worker publishes as its step's snapshot, told over the platform's door (api::WorkerReports): to the exchange
/// of its flow's version, so that it comes to where the embedded broker has it, too. Error::unavailable: it cannot be
/// kept now.
void save_snapshot(broker::Queues& queues, broker::SessionId session, const flow::WorkerPlan& worker, std::string text,
                   std::function<void(Status)> kept);

}  // namespace millrace::app
