#pragma once

#include <boost/json/object.hpp>

#include "broker/queues.hpp"
#include "deployment/deployments.hpp"
#include "deployment/step_scale.hpp"
#include "flow/plan.hpp"

namespace millrace::api {

/// One step of one version, for those that ask: its queue, its instances.
boost::json::object step_report(const broker::Queues& broker, const deployment::Deployments& deployments,
                                const flow::WorkerPlan& worker);

/// How many instances a step has, what it should have and why.
boost::json::object instances_report(const deployment::StepScale& scale);

}  // namespace millrace::api
