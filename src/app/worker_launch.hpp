#pragma once

#include <string>

#include "app/commands.hpp"
#include "flow/plan.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::app {

/// The platform's doors for workers.
struct WorkerDoors {
  std::uint16_t amqp_port = 0;  ///< on 127.0.0.1
  std::uint16_t api_port = 0;   ///< on 127.0.0.1
};

/// One start of a worker by the contract of component::WorkerEnvironment. Its environment holds that and, of this
/// process's own, only what a program needs to find its way (PATH, time zone, locale, proxies, certificates): the
/// secrets that flow files refer to reach a worker as its step's settings or not at all.
orchestrator::Launch worker_launch(const flow::WorkerPlan& plan, const orchestrator::WorkerKey& worker,
                                   const orchestrator::Credentials& credentials, const WorkerDoors& doors,
                                   const std::string& run_id, const RunOptions& options);

}  // namespace millrace::app
