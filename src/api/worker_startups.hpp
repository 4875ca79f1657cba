#pragma once

#include <cstdint>

#include "deployment/startups.hpp"
#include "flow/plan.hpp"
#include "io/posix/http_server.hpp"

/// What workers ask of deployment::Startups.
namespace millrace::api {

constexpr std::uint64_t startup_data_max = 1u << 20;  ///< bytes

/// `…/startup`: GET what the trigger's startup hook has left (404: nothing), POST it (JSON; 409 if there is some),
/// DELETE it.
void answer_startup(deployment::Startups& startups, const flow::WorkerPlan& worker,
                    const io::posix::HttpRequest& request, const io::posix::Respond& respond);
/// `POST …/shutdown`: the shutdown hook begins, and gets what the startup hook has left; 404 if it shall not.
void begin_shutdown(deployment::Startups& startups, const flow::WorkerPlan& worker,
                    const io::posix::HttpRequest& request, const io::posix::Respond& respond);

}  // namespace millrace::api
