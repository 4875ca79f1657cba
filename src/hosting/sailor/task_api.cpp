#include "hosting/sailor/task_api.hpp"

#include "component/base64.hpp"
#include "hosting/sailor/api_error.hpp"

namespace millrace::hosting::sailor {
using io::posix::HttpRequest;
using io::posix::HttpResponse;

namespace {

std::string step_of(component::StepSettings settings) {
  settings.function = settings.program->function;
  settings.passthrough = false;  // carried on by the worker, for every kind of step alike
  return settings.contract_json();
}

}  // namespace

Result<std::unique_ptr<TaskApi>> TaskApi::open(io::posix::AsioLoop& loop, AmqpPeer::Login login,
                                               const component::WorkerEnvironment& environment,
                                               const component::StepSettings& settings, StartupData startup_data) {
  std::unique_ptr<TaskApi> api(new TaskApi(std::move(login), environment, settings, std::move(startup_data)));
  auto server = io::posix::HttpServer::listen(loop, "127.0.0.1:0", {}, *api);
  if (!server) return server.error();
  api->server_ = std::move(*server);
  return api;
}

TaskApi::TaskApi(AmqpPeer::Login login, const component::WorkerEnvironment& environment,
                 const component::StepSettings& settings, StartupData startup_data)
    : authorization_("Basic " + component::base64_encoded(login.user + ":" + login.password)),
      step_path_("/v1/tasks/" + environment.flow_id + "/steps/" + environment.step_id),
      step_(step_of(settings)),
      startup_path_(startup_data_path(environment.flow_id)),
      startup_data_(std::move(startup_data)) {}

void TaskApi::handle(HttpRequest request, io::posix::Respond respond) {
  answer(request, respond);
}

void TaskApi::answer(const HttpRequest& request, const io::posix::Respond& respond) const {
  if (request.header("authorization") != authorization_) {
    auto refused = api_error(401, "the component used a wrong API_USERNAME or API_KEY");
    refused.headers.emplace_back("WWW-Authenticate", "Basic realm=\"millrace\"");
    return respond(std::move(refused));
  }
  if (request.path == step_path_ && request.method == "GET") return respond({200, "application/json", step_});
  if (request.path == startup_path_) return startup_data_(request, respond);
  respond(api_error(404, "there is no " + request.method + " " + request.path + " in this platform's component API"));
}

}  // namespace millrace::hosting::sailor
