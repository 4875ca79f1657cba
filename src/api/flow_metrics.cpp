#include "api/flow_metrics.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "amqp/properties.hpp"
#include "api/metrics_page.hpp"

namespace millrace::api {
namespace {

namespace names = flow::names;

/// What became of the messages that a step has taken in.
struct Books {
  std::string labels;
  std::uint64_t taken = 0;
  std::uint64_t finished = 0;  ///< a worker has answered for good: done, filtered, or a dead letter
  std::uint64_t waiting = 0;
  std::uint64_t in_work = 0;
  std::uint64_t retrying = 0;
  std::uint64_t rebounds = 0;
  double oldest_age = 0;  ///< seconds
  std::uint64_t removed() const {
    const auto accounted = finished + waiting + in_work + retrying;
    return taken > accounted ? taken - accounted : 0;
  }
};

double oldest_age(const broker::Broker& broker, const broker::QueueStatus& queue, std::int64_t now_ms) {
  if (queue.ready == 0) return 0;
  const auto first = broker.peek(queue.name, 0, 1);
  if (!first || first->empty()) return 0;
  const auto properties = amqp::decode_properties(first->front()->properties);
  if (!properties || !properties->timestamp) return 0;
  return std::max(0.0, static_cast<double>(now_ms) / 1000 - static_cast<double>(*properties->timestamp));
}

std::uint64_t held(const broker::QueueStatus& queue) {
  return queue.ready + queue.arriving;
}

Books books_of(const broker::Broker& broker, const flow::WorkerPlan& worker, std::int64_t now_ms) {
  Books books;
  books.labels = fmt::format("flow=\"{}\",version=\"{}\",step=\"{}\"", escaped_label(worker.flow), worker.version,
                             escaped_label(worker.step));
  const auto queue = broker.queue(worker.queue());
  const auto rebounds = broker.queue(worker.rebounds());
  if (!queue || !rebounds) return books;
  // What was put back comes in once more; what an answer puts back is settled, and not finished.
  const auto put_back = rebounds->published_total;
  const auto came_back = put_back - std::min(put_back, held(*rebounds));
  books.taken = queue->published_total - std::min(queue->published_total, came_back);
  books.finished = queue->settled_total - std::min(queue->settled_total, put_back);
  books.waiting = held(*queue);
  books.in_work = queue->unsettled;
  books.retrying = held(*rebounds);
  books.rebounds = put_back;
  books.oldest_age = std::max(oldest_age(broker, *queue, now_ms), oldest_age(broker, *rebounds, now_ms));
  return books;
}

void write_steps(MetricsPage& page, const std::vector<Books>& steps) {
  struct Family {
    const char* name;
    const char* type;
    const char* help;
    std::uint64_t (*value)(const Books&);
  };
  constexpr Family families[] = {
      {"millrace_step_messages_taken_total", "counter", "Messages that came to the step, each once however often tried",
       [](const Books& books) { return books.taken; }},
      {"millrace_step_messages_finished_total", "counter",
       "Messages that a worker has answered for good: done, filtered, or made a dead letter",
       [](const Books& books) { return books.finished; }},
      {"millrace_step_messages_removed_total", "counter",
       "Messages that left without an answer: their workers were lost too often, or somebody dropped them",
       [](const Books& books) { return books.removed(); }},
      {"millrace_step_rebounds_total", "counter", "How often a message was put back for a later try",
       [](const Books& books) { return books.rebounds; }},
      {"millrace_step_messages_waiting", "gauge", "Messages that wait for a worker",
       [](const Books& books) { return books.waiting; }},
      {"millrace_step_messages_in_work", "gauge", "Messages that workers have in hand",
       [](const Books& books) { return books.in_work; }},
      {"millrace_step_messages_retrying", "gauge", "Messages that wait for their next try",
       [](const Books& books) { return books.retrying; }},
  };
  for (const auto& family : families) {
    page.family(family.name, family.type, family.help);
    for (const auto& books : steps) page.sample(books.labels, family.value(books));
  }
  page.family("millrace_step_oldest_message_age_seconds", "gauge",
              "Since the first message that waits at the step was made; 0: none waits");
  for (const auto& books : steps) page.sample(books.labels, books.oldest_age);
}

void write_dead_letters(MetricsPage& page, const broker::Broker& broker, const deployment::Deployed& deployed) {
  std::vector<std::pair<std::string, broker::QueueStatus>> queues;
  for (const auto& [name, flow] : deployed.flows()) {
    auto queue = broker.queue(names::dead_letter_queue(name));
    if (queue) queues.emplace_back(fmt::format("flow=\"{}\"", escaped_label(name)), std::move(*queue));
  }
  page.family("millrace_flow_dead_letters", "gauge", "Dead letters of the flow");
  for (const auto& [labels, queue] : queues) page.sample(labels, queue.ready);
  page.family("millrace_flow_dead_letters_total", "counter", "Dead letters that the flow has had");
  for (const auto& [labels, queue] : queues) page.sample(labels, queue.published_total);
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

std::string flow_metrics_text(const broker::Broker& broker, const deployment::Deployed& deployed,
                              const std::vector<orchestrator::WorkerStatus>& workers, const deployment::Totals& totals,
                              std::int64_t now_ms) {
  MetricsPage page;
  page.single("millrace_executions_accepted_total", "counter", "Executions begun since the platform's start",
              totals.accepted);
  page.single("millrace_messages_done_total", "counter", "Messages that came to the end of their flow since the start",
              totals.done);
  std::vector<Books> steps;
  for (const auto& [name, flow] : deployed.flows()) {
    for (const auto& [number, version] : flow.versions) {
      for (const auto& worker : version.plan.workers) steps.push_back(books_of(broker, worker, now_ms));
    }
  }
  write_steps(page, steps);
  write_dead_letters(page, broker, deployed);
  write_workers(page, workers);
  return page.text;
}

}  // namespace millrace::api
