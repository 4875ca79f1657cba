#include "api/flow_metrics.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "amqp/properties.hpp"
#include "api/metrics_page.hpp"

namespace millrace::api {
namespace {

namespace names = flow::names;
using deployment::Balance;
using deployment::StepCount;

struct Step {
  std::string labels;
  deployment::StepCount count;
  double oldest_age = 0;  ///< seconds
};

double oldest_age(const broker::Queues& broker, const broker::QueueStatus& queue, std::int64_t now_ms) {
  if (queue.ready == 0) return 0;
  const auto first = broker.peek(queue.name, 0, 1);
  if (!first || first->empty()) return 0;
  const auto properties = amqp::decode_properties(first->front()->properties);
  if (!properties || !properties->timestamp) return 0;
  return std::max(0.0, static_cast<double>(now_ms) / 1000 - static_cast<double>(*properties->timestamp));
}

Step step_of(const broker::Queues& broker, const flow::WorkerPlan& worker, std::int64_t now_ms) {
  Step step;
  step.labels = fmt::format("flow=\"{}\",version=\"{}\",step=\"{}\"", escaped_label(worker.flow), worker.version,
                            escaped_label(worker.step));
  step.count = deployment::count_of(broker, worker);
  for (const auto& name : {worker.queue(), worker.rebounds()}) {
    const auto queue = broker.queue(name);
    if (queue) step.oldest_age = std::max(step.oldest_age, oldest_age(broker, *queue, now_ms));
  }
  return step;
}

void write_steps(MetricsPage& page, const std::vector<Step>& steps) {
  struct Family {
    const char* name;
    const char* type;
    const char* help;
    std::uint64_t (*value)(const StepCount&);
  };
  constexpr Family families[] = {
      {"millrace_step_messages_taken_total", "counter", "Messages that came to the step, each once however often tried",
       [](const StepCount& count) { return count.taken; }},
      {"millrace_step_messages_finished_total", "counter",
       "Messages that a worker has answered for good: done, filtered, or made a dead letter",
       [](const StepCount& count) { return count.finished; }},
      {"millrace_step_messages_removed_total", "counter",
       "Messages that left without an answer: their workers were lost too often, or somebody dropped them",
       [](const StepCount& count) { return count.removed(); }},
      {"millrace_step_rebounds_total", "counter", "How often a message was put back for a later try",
       [](const StepCount& count) { return count.rebounds; }},
      {"millrace_step_messages_waiting", "gauge", "Messages that wait for a worker",
       [](const StepCount& count) { return count.waiting; }},
      {"millrace_step_messages_in_work", "gauge", "Messages that workers have in hand",
       [](const StepCount& count) { return count.in_work; }},
      {"millrace_step_messages_retrying", "gauge", "Messages that wait for their next try",
       [](const StepCount& count) { return count.retrying; }},
  };
  for (const auto& family : families) {
    page.family(family.name, family.type, family.help);
    for (const auto& step : steps) page.sample(step.labels, family.value(step.count));
  }
  page.family("millrace_step_oldest_message_age_seconds", "gauge",
              "Since the first message that waits at the step was made; 0: none waits");
  for (const auto& step : steps) page.sample(step.labels, step.oldest_age);
}

void write_balances(MetricsPage& page, const deployment::Deployments& deployments) {
  struct Family {
    const char* name;
    const char* type;
    const char* help;
    std::int64_t Balance::*part;
  };
  constexpr Family families[] = {
      {"millrace_flow_messages_accepted_total", "counter",
       "Messages that the trigger brought in or fan-out added = done + filtered + dead + dropped + in flight",
       &Balance::accepted},
      {"millrace_flow_messages_done_total", "counter", "Messages that came to the end of the flow", &Balance::done},
      {"millrace_flow_messages_filtered_total", "counter", "Messages that ended before it, on purpose",
       &Balance::filtered},
      {"millrace_flow_messages_dropped_total", "counter",
       "Messages taken away by somebody: dead letters dropped, queues purged", &Balance::dropped},
      {"millrace_flow_messages_dead", "gauge", "Dead letters that are there", &Balance::dead},
      {"millrace_flow_messages_in_flight", "gauge", "Messages that wait, are in work, or wait for their next try",
       &Balance::in_flight},
  };
  std::vector<std::pair<std::string, Balance>> flows;
  for (const auto& [name, flow] : deployments.deployed().flows()) {
    flows.emplace_back(fmt::format("flow=\"{}\"", escaped_label(name)), deployments.books().of(name));
  }
  for (const auto& family : families) {
    page.family(family.name, family.type, family.help);
    for (const auto& [labels, balance] : flows) page.sample(labels, balance.*family.part);
  }
}

void write_dead_letters(MetricsPage& page, const DeadLetters& letters, const deployment::Deployed& deployed) {
  std::vector<std::pair<std::string, DeadLetters::Count>> flows;
  for (const auto& [name, flow] : deployed.flows()) {
    flows.emplace_back(fmt::format("flow=\"{}\"", escaped_label(name)), letters.count(name));
  }
  page.family("millrace_flow_dead_letters", "gauge", "Dead letters of the flow");
  for (const auto& [labels, count] : flows) page.sample(labels, count.waiting);
  page.family("millrace_flow_dead_letters_total", "counter", "Dead letters that the flow has had");
  for (const auto& [labels, count] : flows) page.sample(labels, count.total);
}

void write_workers(MetricsPage& page, const std::vector<orchestrator::WorkerStatus>& workers) {
  struct Counts {
    std::uint64_t running = 0;
    std::uint64_t crashes = 0;
  };
  std::map<std::string, Counts> steps;
  for (const auto& worker : workers) {
    auto& counts = steps[fmt::format("flow=\"{}\",version=\"{}\",step=\"{}\"", escaped_label(worker.worker.flow),
                                     worker.worker.version, escaped_label(worker.worker.step))];
    counts.running += worker.phase == orchestrator::Phase::running ? 1 : 0;
    counts.crashes += worker.crashes;
  }
  page.family("millrace_step_workers_running", "gauge", "Workers of the step that are connected");
  for (const auto& [labels, counts] : steps) page.sample(labels, counts.running);
  page.family("millrace_step_worker_crashes_total", "counter", "Ends of workers that nobody had asked for");
  for (const auto& [labels, counts] : steps) page.sample(labels, counts.crashes);
}

}  // namespace

std::string flow_metrics_text(const broker::Queues& broker, const DeadLetters& letters,
                              const deployment::Deployments& deployments,
                              const std::vector<orchestrator::WorkerStatus>& workers, const deployment::Totals& totals,
                              std::int64_t now_ms) {
  MetricsPage page;
  page.single("millrace_executions_accepted_total", "counter", "Executions begun since the platform's start",
              totals.accepted);
  page.single("millrace_messages_done_total", "counter", "Messages that came to the end of their flow since the start",
              totals.done);
  const auto& deployed = deployments.deployed();
  if (broker.keeps_books()) write_balances(page, deployments);
  std::vector<Step> steps;
  for (const auto& [name, flow] : deployed.flows()) {
    for (const auto& [number, version] : flow.versions) {
      for (const auto& worker : version.plan.workers) steps.push_back(step_of(broker, worker, now_ms));
    }
  }
  write_steps(page, steps);
  write_dead_letters(page, letters, deployed);
  write_workers(page, workers);
  return page.text;
}

}  // namespace millrace::api
