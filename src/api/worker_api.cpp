#include "api/worker_api.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "api/worker_credentials.hpp"
#include "api/worker_startups.hpp"
#include "component/base64.hpp"
#include "core/log.hpp"
#include "io/posix/http_problem.hpp"
#include "storage/varint.hpp"

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

std::string path_of(const flow::WorkerPlan& worker) {
  return fmt::format("/v1/tasks/{}/steps/{}", worker.flow, worker.step);
}

/// A path in the step that it speaks of, "/v1/tasks/{flow}/steps/{step}", and what follows: "credential", or nothing.
std::pair<std::string, std::string> split_task(const std::string& path) {
  constexpr int slashes_of_task = 5;
  std::size_t at = 0;
  for (int i = 0; i < slashes_of_task && at != std::string::npos; ++i) at = path.find('/', at + (i == 0 ? 0 : 1));
  const auto end = at == std::string::npos ? at : path.find('/', at + 1);
  if (end == std::string::npos) return {path, ""};
  return {path.substr(0, end), path.substr(end + 1)};
}

}  // namespace

std::uint64_t WorkerApi::body_max(const io::posix::HttpRequest& head) const {
  if (parts_.objects != nullptr && WorkerObjects::is_meant(head)) return WorkerObjects::body_max(head);
  const auto part = split_task(head.path).second;
  if (part == "history" || part == "spans") return 8u << 20;
  if (const auto report = report_size_max(part)) return *report;
  if (part == "credential") return keys_size_max;
  return part == "startup" ? startup_data_max : 0;
}

std::shared_ptr<io::posix::HttpBodySink> WorkerApi::sink(const io::posix::HttpRequest& head) {
  return parts_.objects != nullptr && WorkerObjects::is_meant(head) ? parts_.objects->sink(head) : nullptr;
}

void WorkerApi::handle(io::posix::HttpRequest request, io::posix::Respond respond) {
  if (parts_.objects != nullptr && WorkerObjects::is_meant(request)) {
    return parts_.objects->handle(std::move(request), respond);
  }
  const auto [name, password] = basic_credentials(request.header("authorization"));
  const auto user = parts_.users.log_in(name, password);
  const auto [task, part] = split_task(request.path);
  if (!user) {
    note_refusal(request, task, name);
    return respond(problem(401, "Unauthorized", "no such user, or its time is over"));
  }
  const auto* worker = task_of(user->permissions.read);
  if (worker == nullptr || task != path_of(*worker)) {
    return respond(exists(task) ? problem(403, "Forbidden", "these are the settings of another step")
                                : problem(404, "Not found", "there is nothing at " + request.path));
  }
  answer(part, request, *worker, name, respond);
}

void WorkerApi::answer(std::string_view part, io::posix::HttpRequest& request, const flow::WorkerPlan& worker,
                       const std::string& user, const io::posix::Respond& respond) {
  if (part == "history" || part == "spans") return respond(take_records(request, worker, user, part == "spans"));
  if (part == "startup") return answer_startup(parts_.startups, worker, request, respond);
  if (part == "shutdown") return begin_shutdown(parts_.startups, worker, request, respond);
  if (report_size_max(part)) return take_report(parts_.reports, part, request, worker, user, respond);
  if (part == "credential") return answer_credential(parts_.logins, parts_.keys, worker, request, respond);
  if (!part.empty()) {
    return respond(problem(404, "Not found", "there is nothing at " + request.path));
  }
  if (request.method != "GET") return respond(problem(405, "Method not allowed", "settings can only be read"));
  if (parts_.reports.asked) parts_.reports.asked(user, worker);
  tell_settings(worker, respond);
}

void WorkerApi::tell_settings(const flow::WorkerPlan& worker, const io::posix::Respond& respond) const {
  auto settings = worker.settings;
  settings.accounts_key = flow::names::accounts_key;
  settings.history =
      parts_.recorder == nullptr ? std::nullopt : std::optional(parts_.recorder->policy(settings.history));
  if (parts_.traces.exporter != nullptr) settings.trace_ratio = parts_.traces.ratio;
  const auto& program = settings.program;
  if (parts_.objects != nullptr && program && program->protocol == component::Program::Protocol::sailor) {
    settings.objects = parts_.objects->access(worker.flow);
  }
  settings.startup = parts_.startups.begin_startup(worker);
  const auto tell = [respond, settings = std::move(settings)](const Result<broker::MessagePtr>& saved) mutable {
    if (!saved) return respond(problem(saved.error()));
    settings.snapshot = *saved ? (*saved)->body : "{}";
    respond({200, "application/json", settings.to_json(), {{"Cache-Control", "no-store"}}});
  };
  parts_.broker.last(flow::names::snapshot_queue(worker.flow, worker.step), tell);
}

io::posix::HttpResponse WorkerApi::take_records(io::posix::HttpRequest& request, const flow::WorkerPlan& worker,
                                                const std::string& user, bool spans) const {
  if (request.method != "POST") return problem(405, "Method not allowed", "this can only be sent");
  storage::VarintReader head(std::string_view(request.body).substr(0, std::min<std::size_t>(request.body.size(), 10)));
  const auto dropped = head.next();
  if (!head.ok()) return problem(400, "Bad request", "the batch does not begin with a number");
  request.body.erase(0, std::min<std::size_t>(request.body.size(), 10) - head.left());
  const auto& traces = parts_.traces;
  if (spans && traces.exporter != nullptr) {
    const auto& settings = worker.settings;
    traces.exporter->take({worker.flow, worker.version, worker.step, settings.component + "." + settings.function},
                          std::move(request.body), dropped);
  } else if (!spans && parts_.recorder != nullptr) {
    parts_.recorder->take({worker.flow, worker.version, worker.step, user}, std::move(request.body), dropped);
  }
  return {204, {}, {}, {}};
}

/// Each once: who asks with a wrong key may ask for ever.
void WorkerApi::note_refusal(const io::posix::HttpRequest& request, const std::string& task, const std::string& user) {
  constexpr std::size_t noted_max = 1'000;
  if (!exists(task) || refused_.size() >= noted_max) return;
  const auto target = request.method + " " + request.path;
  if (!refused_.insert(user + " " + target).second) return;
  constexpr std::string_view before_flow = "/v1/tasks/";
  const auto flow = task.substr(before_flow.size(), task.find('/', before_flow.size()) - before_flow.size());
  log::warning("a worker's request was refused: wrong user or key, or its time is over",
               {{"flow", flow}, {"step", task.substr(task.rfind('/') + 1)}, {"request", target}, {"user", user}});
}

const flow::WorkerPlan* WorkerApi::task_of(const std::string& queue) const {
  const auto lent = lent_.find(queue);
  return lent == lent_.end() ? parts_.deployed.worker(queue) : &lent->second;
}

bool WorkerApi::exists(const std::string& path) const {
  for (const auto* plan : parts_.deployed.plans()) {
    if (std::ranges::any_of(plan->workers, [&](const auto& worker) { return path == path_of(worker); })) return true;
  }
  return false;
}

}  // namespace millrace::api
