#include "api/worker_api.hpp"

#include <fmt/format.h>

#include "component/base64.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::api {
namespace {

using io::posix::problem;

/// User name and password of an Authorization header; empty if there are none.
std::pair<std::string, std::string> basic_credentials(std::string_view header) {
  constexpr std::string_view scheme = "Basic ";
  if (!header.starts_with(scheme)) return {};
  const auto text = component::base64_decoded(header.substr(scheme.size()));
  const auto colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos) return {};
  return {text->substr(0, colon), text->substr(colon + 1)};
}

}  // namespace

WorkerApi::WorkerApi(const broker::Broker& broker, const broker::Users& users, const std::vector<flow::Plan>& plans)
    : broker_(broker), users_(users) {
  for (const auto& plan : plans) {
    for (const auto& worker : plan.workers) {
      workers_.emplace(fmt::format("/v1/tasks/{}/steps/{}", worker.flow, worker.step), &worker);
    }
  }
}

void WorkerApi::handle(io::posix::HttpRequest request, io::posix::Respond respond) {
  respond(answer(request));
}

io::posix::HttpResponse WorkerApi::answer(const io::posix::HttpRequest& request) const {
  const auto [name, password] = basic_credentials(request.header("authorization"));
  const auto user = users_.log_in(name, password);
  if (!user) return problem(401, "Unauthorized", "no such user, or its time is over");
  const auto found = workers_.find(request.path);
  if (found == workers_.end()) return problem(404, "Not found", "there is nothing at " + request.path);
  if (request.method != "GET") return problem(405, "Method not allowed", "settings can only be read");
  const auto& worker = *found->second;
  if (user->permissions.read != flow::names::step_queue(worker.flow, worker.step)) {
    return problem(403, "Forbidden", "these are the settings of another step");
  }
  auto settings = worker.settings;
  settings.snapshot = snapshot(worker);
  return {200, "application/json", settings.to_json(), {{"Cache-Control", "no-store"}}};
}

std::string WorkerApi::snapshot(const flow::WorkerPlan& worker) const {
  const auto saved = broker_.peek(flow::names::snapshot_queue(worker.flow, worker.step), 0, 1);
  return saved && !saved->empty() ? saved->front()->body : "{}";
}

}  // namespace millrace::api
