#include "api/step_report.hpp"

namespace millrace::api {

namespace json = boost::json;

json::object instances_report(const deployment::StepScale& scale) {
  json::object report{{"wanted", scale.wanted},   {"connected", scale.connected}, {"min", scale.file.min},
                      {"max", scale.file.max},    {"target_backlog", nullptr},    {"by_hand", nullptr},
                      {"waiting", scale.waiting}, {"in_work", scale.in_work},     {"oldest_wait_ms", nullptr}};
  if (!scale.file.is_fixed()) report["target_backlog"] = scale.file.target_backlog;
  if (scale.by_hand) report["by_hand"] = *scale.by_hand;
  if (scale.oldest_wait) report["oldest_wait_ms"] = scale.oldest_wait->count();
  return report;
}

json::object step_report(const broker::Broker& broker, const deployment::Deployments& deployments,
                         const flow::WorkerPlan& worker) {
  json::object step = {{"id", worker.step}, {"function", worker.component + "." + worker.function}};
  const auto scale = deployments.scale_of(worker);
  step["waiting"] = scale.waiting;
  step["in_work"] = scale.in_work;
  const auto rebounds = broker.queue(worker.rebounds());
  step["retrying"] = rebounds ? rebounds->ready + rebounds->arriving : 0;
  step["instances"] = instances_report(scale);
  return step;
}

}  // namespace millrace::api
