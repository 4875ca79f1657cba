#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::orchestrator::docker {

/// One request to a Docker Engine (https://docs.docker.com/engine/api/v1.41/).
struct EngineCall {
  std::string method = "GET";
  std::string path;  ///< "/v1.41/containers/json?all=1", encoded
  std::string body = {};
  std::string registry_login = {};                           ///< header X-Registry-Auth; empty: none
  std::chrono::milliseconds timeout{30'000};                 ///< 0: it lasts as long as the engine likes
  std::function<void(std::string_view piece)> on_body = {};  ///< takes the body of a 2xx answer as it comes
};

struct EngineAnswer {
  int status = 0;
  std::string body;

  bool ok() const { return status / 100 == 2; }
  /// What the engine says about it ("message" of its JSON), or its status.
  std::string message() const;
};

/// The way to an engine. `done` is called once for each call, on the loop, never from inside call(), unless this object
/// is destroyed before. An Error means that there is no answer: the request may have been carried out or not.
class Engine {
 public:
  using Done = std::function<void(Result<EngineAnswer>)>;
  virtual ~Engine() = default;
  virtual void call(EngineCall call, Done done) = 0;
  /// How people call it: "unix:///var/run/docker.sock".
  virtual std::string name() const = 0;
};

}  // namespace millrace::orchestrator::docker
