#pragma once

#include <functional>
#include <string>

#include "component/worker_environment.hpp"
#include "core/result.hpp"
#include "io/posix/loop.hpp"

namespace millrace::component {

/// Where a worker's platform is, and what each request to it says of who asks.
struct PlatformDoor {
  std::string host;           ///< without brackets
  std::string port;           ///< decimal
  std::string authority;      ///< header Host
  std::string authorization;  ///< header Authorization: HTTP Basic with the worker's user

  /// Error::invalid if the environment's api_uri is no http:// address.
  static Result<PlatformDoor> of(const WorkerEnvironment& environment);
};

struct PlatformAnswer {
  int status = 0;
  std::string body;
};

struct PlatformQuestion {
  std::string method = "GET";
  std::string target;              ///< path and query
  std::string body = {};           ///< JSON text; empty: none
  std::string authorization = {};  ///< header; empty: the worker's own
};

/// A worker's request to its platform: `{api_uri}{target}` with the worker's user. `done` is called once, on the loop,
/// within `patience`; Error::unavailable if there is no answer.
void ask_platform(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, PlatformQuestion question,
                  std::chrono::milliseconds patience, std::function<void(Result<PlatformAnswer>)> done);
/// The same, a GET.
void ask_platform(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, const std::string& target,
                  std::chrono::milliseconds patience, std::function<void(Result<PlatformAnswer>)> done);

/// "/v1/tasks/{flow}/steps/{step}", the worker's own.
std::string task_path(const WorkerEnvironment& environment);

}  // namespace millrace::component
