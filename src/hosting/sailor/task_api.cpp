#include "hosting/sailor/task_api.hpp"

#include <fmt/format.h>

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
                                               const component::StepSettings& settings, Parts parts) {
  std::unique_ptr<TaskApi> api(new TaskApi(std::move(login), environment, settings, std::move(parts)));
  auto server = io::posix::HttpServer::listen(loop, "127.0.0.1:0", {}, *api);
  if (!server) return server.error();
  api->server_ = std::move(*server);
  return api;
}

TaskApi::TaskApi(AmqpPeer::Login login, const component::WorkerEnvironment& environment,
                 const component::StepSettings& settings, Parts parts)
    : authorization_("Basic " + component::base64_encoded(login.user + ":" + login.password)),
      step_path_("/v1/tasks/" + environment.flow_id + "/steps/" + environment.step_id),
      step_(step_of(settings)),
      startup_path_(startup_data_path(environment.flow_id)),
      parts_(std::move(parts)) {}

void TaskApi::handle(HttpRequest request, io::posix::Respond respond) {
  answer(request, respond);
}

/// Says what was refused and to whom, never the key.
HttpResponse TaskApi::refuse(const HttpRequest& request) const {
  constexpr std::string_view scheme = "Basic ";
  const auto header = request.header("authorization");
  const auto login =
      header.starts_with(scheme) ? component::base64_decoded(header.substr(scheme.size())) : std::nullopt;
  const auto who = login ? "the user " + login->substr(0, login->find(':')) : std::string("somebody without a login");
  parts_.refused(
      fmt::format("the API refused {} {} to {}: it must use ELASTICIO_API_USERNAME and ELASTICIO_API_KEY as "
                  "the component is given them",
                  request.method, request.path, who));
  auto refused = api_error(401, "wrong ELASTICIO_API_USERNAME or ELASTICIO_API_KEY");
  refused.headers.emplace_back("WWW-Authenticate", "Basic realm=\"millrace\"");
  return refused;
}

void TaskApi::answer(const HttpRequest& request, const io::posix::Respond& respond) const {
  if (request.header("authorization") != authorization_) return respond(refuse(request));
  if (request.path == step_path_ && request.method == "GET") return respond({200, "application/json", step_});
  if (request.path == startup_path_) return parts_.startup_data(request, respond);
  if (parts_.accounts.answer(request, respond)) return;
  respond(api_error(404, "there is no " + request.method + " " + request.path + " in this platform's component API"));
}

}  // namespace millrace::hosting::sailor
