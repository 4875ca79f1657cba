#include "hosting/sailor/task_api.hpp"

#include <boost/json/serialize.hpp>

#include "component/base64.hpp"

namespace millrace::hosting::sailor {
namespace json = boost::json;
using io::posix::HttpRequest;
using io::posix::HttpResponse;

namespace {

std::string step_of(component::StepSettings settings) {
  settings.function = settings.program->function;
  settings.passthrough = false;  // carried on by the worker, for every kind of step alike
  return settings.contract_json();
}

HttpResponse error(int status, std::string_view what) {
  return {status, "application/json", json::serialize(json::object{{"error", what}})};
}

}  // namespace

Result<std::unique_ptr<TaskApi>> TaskApi::open(io::posix::AsioLoop& loop, AmqpPeer::Login login,
                                               const component::WorkerEnvironment& environment,
                                               const component::StepSettings& settings) {
  std::unique_ptr<TaskApi> api(new TaskApi(std::move(login), environment, settings));
  auto server = io::posix::HttpServer::listen(loop, "127.0.0.1:0", {}, *api);
  if (!server) return server.error();
  api->server_ = std::move(*server);
  return api;
}

TaskApi::TaskApi(AmqpPeer::Login login, const component::WorkerEnvironment& environment,
                 const component::StepSettings& settings)
    : authorization_("Basic " + component::base64_encoded(login.user + ":" + login.password)),
      step_path_("/v1/tasks/" + environment.flow_id + "/steps/" + environment.step_id),
      step_(step_of(settings)) {}

void TaskApi::handle(HttpRequest request, io::posix::Respond respond) {
  respond(answer(request));
}

HttpResponse TaskApi::answer(const HttpRequest& request) const {
  if (request.header("authorization") != authorization_) {
    auto refused = error(401, "the component used a wrong API_USERNAME or API_KEY");
    refused.headers.emplace_back("WWW-Authenticate", "Basic realm=\"millrace\"");
    return refused;
  }
  if (request.path == step_path_ && request.method == "GET") return {200, "application/json", step_};
  return error(404, "there is no " + request.method + " " + request.path + " in this platform's component API");
}

}  // namespace millrace::hosting::sailor
