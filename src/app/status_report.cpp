#include "app/status_report.hpp"

#include <boost/json/array.hpp>

#include "app/topology.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;
namespace names = flow::names;

json::object step_report(const broker::Broker& broker, const flow::WorkerPlan& worker) {
  json::object step = {{"id", worker.step}, {"function", worker.component + "." + worker.function}};
  const auto queue = broker.queue(names::step_queue(worker.flow, worker.step));
  step["waiting"] = queue ? queue->ready + queue->arriving : 0;
  step["in_work"] = queue ? queue->unsettled : 0;
  const auto rebounds = broker.queue(names::rebound_queue(worker.flow, worker.step));
  step["retrying"] = rebounds ? rebounds->ready + rebounds->arriving : 0;
  return step;
}

json::object flow_report(const broker::Broker& broker, const flow::Plan& plan) {
  json::array steps;
  for (const auto& worker : plan.workers) steps.push_back(step_report(broker, worker));
  const auto dead = broker.queue(names::dead_letter_queue(plan.flow));
  return {{"name", plan.flow}, {"steps", std::move(steps)}, {"dead_letters", dead ? dead->ready : 0}};
}

json::object worker_report(const orchestrator::WorkerStatus& worker) {
  json::object report = {{"name", worker.worker.name()},
                         {"flow", worker.worker.flow},
                         {"step", worker.worker.step},
                         {"instance", worker.worker.instance},
                         {"phase", to_string(worker.phase)},
                         {"pid", worker.whereabouts.process_id},
                         {"starts", worker.starts},
                         {"crashes", worker.crashes},
                         {"since", worker.since.time_since_epoch().count()}};
  if (!worker.whereabouts.container.empty()) report["container"] = worker.whereabouts.container;
  if (worker.phase == orchestrator::Phase::waiting) report["starts_in_ms"] = worker.starts_in.count();
  if (worker.last_end) {
    report["last_end"] = {{"reason", worker.last_end->reason},
                          {"at", worker.last_end->at.time_since_epoch().count()},
                          {"last_output", worker.last_end->last_output}};
  }
  return report;
}

}  // namespace

json::object status_report(const Totals& totals, const broker::Broker& broker, const std::vector<flow::Plan>& plans,
                           const std::vector<orchestrator::WorkerStatus>& workers, const json::object& engine) {
  json::array flows;
  for (const auto& plan : plans) flows.push_back(flow_report(broker, plan));
  json::array worker_reports;
  for (const auto& worker : workers) worker_reports.push_back(worker_report(worker));
  json::array left;
  for (const auto& leftover : leftovers(broker, plans)) {
    left.push_back({{"queue", leftover.queue}, {"messages", leftover.messages}});
  }
  json::object report{
      {"accepted", totals.accepted},          {"in_flight", totals.in_flight}, {"done", totals.done},
      {"retrying", totals.retrying},          {"dead", totals.dead},           {"flows", std::move(flows)},
      {"workers", std::move(worker_reports)}, {"leftovers", std::move(left)}};
  if (!engine.empty()) report["engine"] = engine;
  return report;
}

}  // namespace millrace::app
