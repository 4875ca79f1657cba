#pragma once

#include <memory>
#include <string>

#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "hosting/sailor/accounts.hpp"
#include "hosting/sailor/amqp_peer.hpp"
#include "hosting/sailor/startup_data.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::hosting::sailor {

/// The part of elastic.io's HTTP API that a running component asks (docs/component-protocol.md): its step's settings,
/// what its startup hook wants kept, and its credential. HTTP Basic with the same login as the AMQP door. On 127.0.0.1,
/// any free port.
class TaskApi final : public io::posix::HttpHandler {
 public:
  struct Parts {
    StartupData startup_data;
    Accounts accounts;
    std::function<void(std::string why)> refused;  ///< who asked had a wrong user or key
  };
  static Result<std::unique_ptr<TaskApi>> open(io::posix::AsioLoop& loop, AmqpPeer::Login login,
                                               const component::WorkerEnvironment& environment,
                                               const component::StepSettings& settings, Parts parts);

  std::uint16_t port() const { return server_->port(); }

  std::uint64_t body_max(const io::posix::HttpRequest&) const override { return 10u << 20; }
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  TaskApi(AmqpPeer::Login login, const component::WorkerEnvironment& environment,
          const component::StepSettings& settings, Parts parts);
  void answer(const io::posix::HttpRequest& request, const io::posix::Respond& respond) const;
  io::posix::HttpResponse refuse(const io::posix::HttpRequest& request) const;

  const std::string authorization_;
  const std::string step_path_;
  const std::string step_;  ///< the answer to GET step_path_
  const std::string startup_path_;
  const Parts parts_;
  std::unique_ptr<io::posix::HttpServer> server_;
};

}  // namespace millrace::hosting::sailor
