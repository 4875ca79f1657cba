#include "api/step_report.hpp"

#include "deployment/step_count.hpp"

namespace millrace::api {

namespace json = boost::json;

json::object instances_report(const deployment::StepScale& scale) {
  json::object report{{"wanted", scale.wanted},      {"connected", scale.connected}, {"min", scale.file.min},
                      {"max", scale.file.max},       {"target_backlog", nullptr},    {"by_hand", nullptr},
                      {"waiting", scale.waiting},    {"in_work", scale.in_work},     {"oldest_wait_ms", nullptr},
                      {"waits_for_version", nullptr}};
  if (scale.waits_for) report["waits_for_version"] = *scale.waits_for;
  if (!scale.file.is_fixed()) report["target_backlog"] = scale.file.target_backlog;
  if (scale.by_hand) report["by_hand"] = *scale.by_hand;
  if (scale.oldest_wait) report["oldest_wait_ms"] = scale.oldest_wait->count();
  return report;
}

namespace {

json::object parked_report(const deployment::Parked& parked) {
  const auto time = [](const std::optional<io::WallTime>& at) {
    return at ? json::value(at->time_since_epoch().count()) : json::value(nullptr);
  };
  return {{"state", to_string(parked.mode)},
          {"since", parked.since.time_since_epoch().count()},
          {"reason", parked.reason},
          {"waiting", parked.waiting},
          {"probes", parked.probes},
          {"next_try", time(parked.next_try)},
          {"rate", parked.rate ? json::value(*parked.rate) : json::value(nullptr)},
          {"done_at", time(parked.done_at)}};
}

}  // namespace

json::object step_report(const broker::Queues& broker, const deployment::Deployments& deployments,
                         const flow::WorkerPlan& worker) {
  json::object step = {{"id", worker.step}, {"function", worker.component + "." + worker.function}};
  const auto scale = deployments.scale_of(worker);
  step["waiting"] = scale.waiting;
  step["in_work"] = scale.in_work;
  step["retrying"] = deployment::count_of(broker, worker).retrying;
  step["instances"] = instances_report(scale);
  step["parked"] = nullptr;
  if (const auto parked = deployments.parked(worker)) step["parked"] = parked_report(*parked);
  return step;
}

}  // namespace millrace::api
