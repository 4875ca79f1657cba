#include "api/status_report.hpp"

#include <boost/json/array.hpp>

#include "api/step_report.hpp"
#include "deployment/topology.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
namespace names = flow::names;

json::array step_reports(const broker::Queues& broker, const deployment::Deployments& deployments,
                         const flow::Plan& plan) {
  json::array steps;
  for (const auto& worker : plan.workers) steps.push_back(step_report(broker, deployments, worker));
  return steps;
}

std::string_view to_string(deployment::Version::Stage stage) {
  return stage == deployment::Version::Stage::current ? "current" : "draining";
}

json::object version_report(const broker::Queues& broker, const deployment::Deployments& deployments,
                            const deployment::Version& version) {
  json::object report = {{"version", version.number},
                         {"state", to_string(version.stage)},
                         {"steps", step_reports(broker, deployments, version.plan)}};
  json::array problems;
  for (const auto& problem : version.problems) problems.emplace_back(problem.to_string());
  if (!problems.empty()) report["problems"] = std::move(problems);
  return report;
}

json::object balance_json(const deployment::Balance& balance) {
  return {{"accepted", balance.accepted}, {"done", balance.done},       {"filtered", balance.filtered},
          {"dead", balance.dead},         {"dropped", balance.dropped}, {"in_flight", balance.in_flight}};
}

json::object report_of(const broker::Queues& broker, const deployment::Deployments& deployments,
                       const deployment::Flow& flow, const deployment::Balance& balance, std::uint64_t dead_letters) {
  json::object report = {{"name", flow.name},
                         {"state", store::to_string(flow.state)},
                         {"steps", json::array()},
                         {"dead_letters", dead_letters}};
  if (broker.keeps_books()) report["balance"] = balance_json(balance);
  const auto* current = flow.current();
  json::array versions;
  for (const auto& [number, version] : flow.versions) {
    auto one = version_report(broker, deployments, version);
    if (&version == current) {
      report["version"] = number;
      report["steps"] = one.at("steps");
    }
    versions.push_back(std::move(one));
  }
  report["versions"] = std::move(versions);
  return report;
}

json::object worker_report(const orchestrator::WorkerStatus& worker) {
  json::object report = {{"name", worker.worker.name()},
                         {"flow", worker.worker.flow},
                         {"version", worker.worker.version},
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

json::array worker_reports(const std::vector<orchestrator::WorkerStatus>& workers) {
  json::array reports;
  for (const auto& worker : workers) reports.push_back(worker_report(worker));
  return reports;
}

json::object status_report(const deployment::Totals& totals, const broker::Queues& broker, const DeadLetters& letters,
                           const deployment::Deployments& deployments,
                           const std::vector<orchestrator::WorkerStatus>& workers, const json::object& engine) {
  json::array flows;
  deployment::Balance balance;
  for (const auto& [name, flow] : deployments.deployed().flows()) {
    const auto of_flow = deployments.books().of(name);
    flows.push_back(report_of(broker, deployments, flow, of_flow, letters.count(name).waiting));
    balance += of_flow;
  }
  json::array left;
  for (const auto& leftover : deployment::leftovers(broker, deployments.deployed().plans())) {
    left.push_back({{"queue", leftover.queue}, {"messages", leftover.messages}});
  }
  json::object report = {
      {"accepted", totals.accepted},        {"in_flight", totals.in_flight}, {"done", totals.done},
      {"retrying", totals.retrying},        {"dead", totals.dead},           {"flows", std::move(flows)},
      {"workers", worker_reports(workers)}, {"leftovers", std::move(left)}};
  if (broker.keeps_books()) report["balance"] = balance_json(balance);
  if (!engine.empty()) report["engine"] = engine;
  return report;
}

}  // namespace millrace::api
