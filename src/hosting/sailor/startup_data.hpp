#pragma once

#include <functional>
#include <string>

#include "component/worker_environment.hpp"
#include "io/posix/http_server.hpp"
#include "io/posix/loop.hpp"

/// What the startup hook of a trigger leaves for its shutdown hook, as the library keeps it: POST, GET and DELETE of
/// "/sailor-support/hooks/task/{flow}/startup/data" (lib/hooksData.js), JSON, an error as {"error": why}.
namespace millrace::hosting::sailor {

/// Answers a request for it.
using StartupData = std::function<void(const io::posix::HttpRequest& request, const io::posix::Respond& respond)>;

std::string startup_data_path(const std::string& flow);

/// Of a trigger that starts up: the platform keeps it. Loop and environment outlive it.
StartupData kept_by_platform(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment);
/// Of one that shuts down: the library reads it, and deletes it when its hook has run: then `over` is called.
StartupData read_once(std::string data, std::function<void()> over);

}  // namespace millrace::hosting::sailor
