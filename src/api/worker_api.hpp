#pragma once

#include <string>

#include "broker/broker.hpp"
#include "broker/users.hpp"
#include "deployment/deployed.hpp"
#include "history/recorder.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// What workers ask: `GET /v1/tasks/{flow}/steps/{step}` answers with the step's settings (component::StepSettings) and
/// its saved snapshot; `POST /v1/tasks/{flow}/steps/{step}/history` takes what the worker has recorded
/// (component::RecordSender): 204, also where it is dropped because too much comes at once. A worker proves itself by
/// HTTP Basic with its broker user and gets its own step's settings only: 401 without a valid user, 403 for another
/// step's. Which version of the flow is meant its user tells. Broker, users and deployed outlive it.
class WorkerApi final : public io::posix::HttpHandler {
 public:
  /// `recorder` nullptr: no history is recorded.
  WorkerApi(const broker::Broker& broker, const broker::Users& users, const deployment::Deployed& deployed,
            history::Recorder* recorder = nullptr)
      : broker_(broker), users_(users), deployed_(deployed), recorder_(recorder) {}

  std::uint64_t body_max(const io::posix::HttpRequest& head) const override;
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  io::posix::HttpResponse answer(io::posix::HttpRequest& request) const;
  io::posix::HttpResponse settings_of(const flow::WorkerPlan& worker) const;
  /// Takes what a worker has recorded.
  io::posix::HttpResponse take_history(io::posix::HttpRequest& request, const flow::WorkerPlan& worker,
                                       const std::string& user) const;
  bool exists(const std::string& path) const;
  std::string snapshot(const flow::WorkerPlan& worker) const;

  const broker::Broker& broker_;
  const broker::Users& users_;
  const deployment::Deployed& deployed_;
  history::Recorder* recorder_;
};

}  // namespace millrace::api
