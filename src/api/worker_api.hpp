#pragma once

#include <string>

#include "broker/broker.hpp"
#include "broker/users.hpp"
#include "deployment/deployed.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// What workers ask: `GET /v1/tasks/{flow}/steps/{step}` answers with the step's settings (component::StepSettings) and
/// its saved snapshot. A worker proves itself by HTTP Basic with its broker user and gets its own step's settings only:
/// 401 without a valid user, 403 for another step's. Which version of the flow is meant its user tells. Broker, users
/// and deployed outlive it.
class WorkerApi final : public io::posix::HttpHandler {
 public:
  WorkerApi(const broker::Broker& broker, const broker::Users& users, const deployment::Deployed& deployed)
      : broker_(broker), users_(users), deployed_(deployed) {}

  std::uint64_t body_max(const io::posix::HttpRequest&) const override { return 0; }
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  io::posix::HttpResponse answer(const io::posix::HttpRequest& request) const;
  bool exists(const std::string& path) const;
  std::string snapshot(const flow::WorkerPlan& worker) const;

  const broker::Broker& broker_;
  const broker::Users& users_;
  const deployment::Deployed& deployed_;
};

}  // namespace millrace::api
