#pragma once

#include <memory>
#include <string>

#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "hosting/sailor/amqp_peer.hpp"
#include "hosting/sailor/startup_data.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::hosting::sailor {

/// The part of elastic.io's HTTP API that a running component asks (docs/component-protocol.md): its step's settings,
/// and what its startup hook wants kept. HTTP Basic with the same login as the AMQP door. On 127.0.0.1, any free port.
class TaskApi final : public io::posix::HttpHandler {
 public:
  static Result<std::unique_ptr<TaskApi>> open(io::posix::AsioLoop& loop, AmqpPeer::Login login,
                                               const component::WorkerEnvironment& environment,
                                               const component::StepSettings& settings, StartupData startup_data);

  std::uint16_t port() const { return server_->port(); }

  std::uint64_t body_max(const io::posix::HttpRequest&) const override { return 10u << 20; }
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  TaskApi(AmqpPeer::Login login, const component::WorkerEnvironment& environment,
          const component::StepSettings& settings, StartupData startup_data);
  void answer(const io::posix::HttpRequest& request, const io::posix::Respond& respond) const;

  const std::string authorization_;
  const std::string step_path_;
  const std::string step_;  ///< the answer to GET step_path_
  const std::string startup_path_;
  const StartupData startup_data_;
  std::unique_ptr<io::posix::HttpServer> server_;
};

}  // namespace millrace::hosting::sailor
