#include "api/worker_api.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "component/base64.hpp"
#include "io/posix/http_problem.hpp"
#include "storage/varint.hpp"

namespace millrace::api {
namespace {

using io::posix::problem;

constexpr std::string_view history_part = "/history";
constexpr std::string_view spans_part = "/spans";

/// User name and password of an Authorization header; empty if there are none.
std::pair<std::string, std::string> basic_credentials(std::string_view header) {
  constexpr std::string_view scheme = "Basic ";
  if (!header.starts_with(scheme)) return {};
  const auto text = component::base64_decoded(header.substr(scheme.size()));
  const auto colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos) return {};
  return {text->substr(0, colon), text->substr(colon + 1)};
}

constexpr std::string_view login_suffix = "/credential";

std::string path_of(const flow::WorkerPlan& worker) {
  return fmt::format("/v1/tasks/{}/steps/{}", worker.flow, worker.step);
}

}  // namespace

std::uint64_t WorkerApi::body_max(const io::posix::HttpRequest& head) const {
  constexpr std::uint64_t batch_max = 8u << 20;
  return head.path.ends_with(history_part) || head.path.ends_with(spans_part) ? batch_max : 0;
}

void WorkerApi::handle(io::posix::HttpRequest request, io::posix::Respond respond) {
  const auto [name, password] = basic_credentials(request.header("authorization"));
  const auto user = users_.log_in(name, password);
  if (!user) return respond(problem(401, "Unauthorized", "no such user, or its time is over"));
  const auto* worker = task_of(user->permissions.read);
  for (const auto part : {history_part, spans_part}) {
    if (worker == nullptr || request.path != path_of(*worker) + std::string(part)) continue;
    return respond(take_records(request, *worker, name, part == spans_part));
  }
  const bool login = request.path.ends_with(login_suffix);
  const auto task = request.path.substr(0, request.path.size() - (login ? login_suffix.size() : 0));
  if (worker == nullptr || task != path_of(*worker)) {
    return respond(exists(task) ? problem(403, "Forbidden", "these are the settings of another step")
                                : problem(404, "Not found", "there is nothing at " + request.path));
  }
  if (request.method != "GET") return respond(problem(405, "Method not allowed", "settings can only be read"));
  if (!login) return respond(settings_of(*worker));
  constexpr std::string_view parameter = "refused=";
  const std::string_view query = request.query;
  tell_login(*worker, std::string(query.starts_with(parameter) ? query.substr(parameter.size()) : ""), respond);
}

io::posix::HttpResponse WorkerApi::settings_of(const flow::WorkerPlan& worker) const {
  auto settings = worker.settings;
  settings.snapshot = snapshot(worker);
  settings.accounts_key = flow::names::accounts_key;
  settings.history = recorder_ == nullptr ? std::nullopt : std::optional(recorder_->policy(settings.history));
  if (traces_.exporter != nullptr) settings.trace_ratio = traces_.ratio;
  return {200, "application/json", settings.to_json(), {{"Cache-Control", "no-store"}}};
}

io::posix::HttpResponse WorkerApi::take_records(io::posix::HttpRequest& request, const flow::WorkerPlan& worker,
                                                const std::string& user, bool spans) const {
  if (request.method != "POST") return problem(405, "Method not allowed", "this can only be sent");
  storage::VarintReader head(std::string_view(request.body).substr(0, std::min<std::size_t>(request.body.size(), 10)));
  const auto dropped = head.next();
  if (!head.ok()) return problem(400, "Bad request", "the batch does not begin with a number");
  request.body.erase(0, std::min<std::size_t>(request.body.size(), 10) - head.left());
  if (spans && traces_.exporter != nullptr) {
    const auto& settings = worker.settings;
    traces_.exporter->take({worker.flow, worker.version, worker.step, settings.component + "." + settings.function},
                           std::move(request.body), dropped);
  } else if (!spans && recorder_ != nullptr) {
    recorder_->take({worker.flow, worker.version, worker.step, user}, std::move(request.body), dropped);
  }
  return {204, {}, {}, {}};
}

void WorkerApi::tell_login(const flow::WorkerPlan& worker, const std::string& refused,
                           const io::posix::Respond& respond) {
  const auto& name = worker.settings.credential;
  if (name.empty()) return respond(problem(404, "Not found", "this step names no credential"));
  logins_.login(name, refused, [respond](const Result<component::Login>& login) {
    if (!login) return respond(problem(login.error()));
    respond({200, "application/json", login->to_json(), {{"Cache-Control", "no-store"}}});
  });
}

const flow::WorkerPlan* WorkerApi::task_of(const std::string& queue) const {
  const auto lent = lent_.find(queue);
  return lent == lent_.end() ? deployed_.worker(queue) : &lent->second;
}

bool WorkerApi::exists(const std::string& path) const {
  for (const auto* plan : deployed_.plans()) {
    if (std::ranges::any_of(plan->workers, [&](const auto& worker) { return path == path_of(worker); })) return true;
  }
  return false;
}

std::string WorkerApi::snapshot(const flow::WorkerPlan& worker) const {
  const auto saved = broker_.peek(flow::names::snapshot_queue(worker.flow, worker.step), 0, 1);
  return saved && !saved->empty() ? saved->front()->body : "{}";
}

}  // namespace millrace::api
