#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "api/worker_objects.hpp"
#include "api/worker_reports.hpp"
#include "broker/queues.hpp"
#include "broker/users.hpp"
#include "credentials/component_keys.hpp"
#include "credentials/oauth2/refresher.hpp"
#include "deployment/deployed.hpp"
#include "deployment/startups.hpp"
#include "history/recorder.hpp"
#include "io/posix/http_server.hpp"
#include "tracing/exporter.hpp"

namespace millrace::api {

/// What workers ask: `GET /v1/tasks/{flow}/steps/{step}` answers with the step's settings (component::StepSettings)
/// and its saved snapshot; `…/credential` is the login of the credential that the step names (answer_credential);
/// `POST …/history` takes what the worker has recorded (component::RecordSender), `POST …/spans` its part in traces:
/// 204, also where that is dropped because too much comes at once. `…/startup` is what the startup hook of a trigger
/// has left (GET, POST, DELETE), `POST …/shutdown` begins its shutdown hook. With RabbitMQ workers tell of
/// themselves, too (WorkerReports). "/objects" is the object storage of installed components (WorkerObjects). A worker
/// proves itself by HTTP Basic with its broker user and gets its own step's settings only: 401 without a valid user,
/// 403 for another step's. Which version of the flow is meant its user tells. All parts outlive it.
class WorkerApi final : public io::posix::HttpHandler {
 public:
  /// Where spans go, and which fraction of the traces that begin at a step is sampled.
  struct Traces {
    tracing::Exporter* exporter = nullptr;  ///< nullptr: no traces are recorded
    double ratio = 0;
  };
  struct Parts {
    broker::Queues& broker;
    const broker::Users& users;
    const deployment::Deployed& deployed;
    credentials::oauth2::Refresher& logins;
    credentials::ComponentKeys& keys;
    deployment::Startups& startups;
    history::Recorder* recorder = nullptr;  ///< none: no history is recorded
    Traces traces = {};
    WorkerReports reports = {};        ///< empty with the embedded broker
    WorkerObjects* objects = nullptr;  ///< none: components get no object storage
  };
  explicit WorkerApi(Parts parts) : parts_(parts) {}

  /// A task that is no step's, for the user that may read this queue (which nobody declares), until it is taken back.
  void lend(const std::string& queue, flow::WorkerPlan task) { lent_[queue] = std::move(task); }
  void take_back(const std::string& queue) { lent_.erase(queue); }

  std::uint64_t body_max(const io::posix::HttpRequest& head) const override;
  std::shared_ptr<io::posix::HttpBodySink> sink(const io::posix::HttpRequest& head) override;
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  void answer(std::string_view part, io::posix::HttpRequest& request, const flow::WorkerPlan& worker,
              const std::string& user, const io::posix::Respond& respond);
  void tell_settings(const flow::WorkerPlan& worker, const io::posix::Respond& respond) const;
  /// Takes what a worker has recorded: history, or spans.
  io::posix::HttpResponse take_records(io::posix::HttpRequest& request, const flow::WorkerPlan& worker,
                                       const std::string& user, bool spans) const;
  /// For the operator: who has not been let in.
  void note_refusal(const io::posix::HttpRequest& request, const std::string& task, const std::string& user);
  const flow::WorkerPlan* task_of(const std::string& queue) const;
  bool exists(const std::string& path) const;

  Parts parts_;
  std::map<std::string, flow::WorkerPlan> lent_;  ///< by queue
  std::set<std::string> refused_;                 ///< requests that have been noted: user, method and path
};

}  // namespace millrace::api
