// How many instances a step has: for people, and for autoscalers that ask.
#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"
#include "api/step_report.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;

/// The step in the flow's current version, or else in its newest; nullptr if it has no worker there.
const flow::WorkerPlan* find_step(const Services& services, const std::string& flow, const std::string& step) {
  const auto* deployed = services.deployments.deployed().find(flow);
  if (deployed == nullptr || deployed->versions.empty()) return nullptr;
  for (const auto& worker : deployed->versions.rbegin()->second.plan.workers) {
    if (worker.step == step) return &worker;
  }
  return nullptr;
}

bool is_trigger(const Services& services, const flow::WorkerPlan& worker) {
  return services.deployments.deployed().find(worker.flow, worker.version)->plan.trigger.step == worker.step;
}

void refuse(const Call& call) {
  call.respond(problem(404, "Not found",
                       fmt::format("no flow {} runs that has a step {} with workers", call.path[0], call.path[1])));
}

json::object scale_json(const Services& services, const flow::WorkerPlan& worker) {
  auto report = instances_report(services.deployments.scale_of(worker));
  report["flow"] = worker.flow;
  report["step"] = worker.step;
  return report;
}

void show(const Services& services, const Call& call) {
  const auto* worker = find_step(services, call.path[0], call.path[1]);
  if (worker == nullptr) return refuse(call);
  call.respond(json_response(200, scale_json(services, *worker)));
}

/// The number that was sent; nullopt for null.
Result<std::optional<std::uint32_t>> wanted_of(const json::object& body) {
  const Error bad{Error::Kind::invalid,
                  fmt::format("send {{\"instances\": N}} with N from 0 to {}, or null for what the flow says",
                              flow::instances_max)};
  const auto* instances = body.if_contains("instances");
  if (instances == nullptr || body.size() != 1) return bad;
  if (instances->is_null()) return std::optional<std::uint32_t>();
  boost::system::error_code failed;
  const auto count = instances->to_number<std::uint32_t>(failed);
  if (failed || !instances->is_number() || instances->is_double() || count > flow::instances_max) return bad;
  return std::optional(count);
}

void set(const Services& services, const Call& call) {
  const auto wanted = wanted_of(call.body);
  if (!wanted) return call.respond(problem(wanted.error()));
  const auto* worker = find_step(services, call.path[0], call.path[1]);
  if (worker == nullptr) return refuse(call);
  if (is_trigger(services, *worker)) {
    return call.respond(problem(409, "Conflict",
                                fmt::format("{} is a trigger: it runs once, for it alone keeps the "
                                            "position at its source",
                                            worker->step)));
  }
  services.store.run<store::FlowInUse>(
      [flow = call.path[0], step = call.path[1], wanted = *wanted, change = services.change(call.caller)](
          store::Database& database) { return deployment::set_scale(database, flow, step, wanted, change); },
      [services, call](const Result<store::FlowInUse>& flow) {
        if (!flow) return call.respond(problem(flow.error()));
        services.deployments.follow(*flow);
        show(services, call);
      });
}

/// What KEDA's metrics-api scaler reads: `valueLocation: backlog` (https://keda.sh/docs/latest/scalers/metrics-api/).
void show_backlog(const Services& services, const Call& call) {
  const auto* newest = find_step(services, call.path[0], call.path[1]);
  if (newest == nullptr) return refuse(call);
  std::uint64_t backlog = 0;
  std::uint64_t connected = 0;
  for (const auto* plan : services.deployments.deployed().plans()) {
    for (const auto& worker : plan->workers) {
      if (worker.flow != newest->flow || worker.step != newest->step) continue;
      const auto scale = services.deployments.scale_of(worker);
      backlog += scale.waiting + scale.in_work;
      connected += scale.connected;
    }
  }
  const auto scale = services.deployments.scale_of(*newest);
  json::object report{{"flow", newest->flow},     {"step", newest->step},   {"backlog", backlog},
                      {"instances", connected},   {"wanted", scale.wanted}, {"target_backlog", nullptr},
                      {"oldest_wait_ms", nullptr}};
  if (!scale.file.is_fixed()) report["target_backlog"] = scale.file.target_backlog;
  if (scale.oldest_wait) report["oldest_wait_ms"] = scale.oldest_wait->count();
  call.respond(json_response(200, report));
}

}  // namespace

void add_scaling_operations(Operations& operations, const Services& services) {
  constexpr std::string_view path = "/v1/flows/{flow}/steps/{step}/scale";
  operations.push_back({"GET", path, Scope::flows_read, [services](const Call& call) { show(services, call); }});
  operations.push_back(
      {"PUT", path, Scope::operate, [services](const Call& call) { set(services, call); }, Operation::Body::json});
  operations.push_back({"GET", "/scale/{flow}/{step}", Scope::flows_read,
                        [services](const Call& call) { show_backlog(services, call); }});
}

}  // namespace millrace::api
