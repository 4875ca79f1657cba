#include "flow/plan.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/check.hpp"

namespace millrace::flow {
namespace {

using component::Descriptor;

/// How long and how many message ids a queue remembers to drop repeats.
struct DedupWindow {
  std::int64_t milliseconds;
  std::int64_t ids;
};
/// Between steps: what a worker may publish again after it lost its link before the answer to a commit.
constexpr DedupWindow window_of_steps{600'000, 100'000};
/// After a webhook: what a caller may send again; only calls with an idempotency key have a message-id.
constexpr DedupWindow window_of_webhooks{86'400'000, 1'000'000};

class Planner {
 public:
  Planner(const Flow& flow, std::int64_t version, const component::Catalogue& catalogue)
      : flow_(flow), version_(version), catalogue_(catalogue) {}

  Plan plan() {
    plan_.flow = flow_.name;
    plan_.version = version_;
    const Step& trigger = flow_.trigger();
    plan_.trigger = {trigger.id, trigger.function, trigger.kind, names::first_key(trigger)};
    plan_.exchange.name = names::exchange(flow_.name, version_);
    plan_.first_steps = static_cast<std::uint32_t>(flow_.successors(trigger.id).size());
    plan_.history = flow_.history;
    for (const Step& step : flow_.steps) add(step);
    add_health_queue();
    broker::QueueSpec dead_letters;
    dead_letters.name = names::dead_letter_queue(flow_.name);
    plan_.queues.push_back(std::move(dead_letters));
    for (const Step& step : flow_.steps) {
      bind(names::dead_letter_queue(flow_.name), names::error_key(step.id));
    }
    return std::move(plan_);
  }

 private:
  void add(const Step& step) {
    const Descriptor* known = descriptor_of(step);
    if (known == nullptr || known->has_worker()) {
      add_step_queue(step);
      if (!step.ordered_by) add_rebound_queue(step);
      plan_.workers.push_back(worker(step));
    }
    if (known == nullptr) return;
    const Descriptor& descriptor = *known;
    const bool polls = descriptor.kind == Descriptor::Kind::polling_trigger;
    if (polls || descriptor.program)
      add_last_value_queue(names::snapshot_queue(flow_.name, step.id), names::snapshot_key(step.id));
    if (!polls && descriptor.kind != Descriptor::Kind::timer_trigger) return;
    add_last_value_queue(names::tick_queue(flow_.name, step.id), names::tick_key(step.id));
    const auto schedule = component::Schedule::read(step.config);
    MILLRACE_CHECK(bool(schedule), "a trigger's schedule was checked with its flow");
    plan_.ticks = TickPlan{step.id, polls, *schedule};
  }

  void add_step_queue(const Step& step) {
    const DedupWindow window = takes_webhooks(step) ? window_of_webhooks : window_of_steps;
    broker::QueueSpec queue;
    queue.name = names::step_queue(flow_.name, version_, step.id);
    // The first loss may be shared with neighbours that the worker had not begun, so at least one redelivery is
    // granted.
    queue.arguments.set("x-delivery-limit", std::max<std::int64_t>(1, std::int64_t{step.retry.attempts} - 1));
    queue.arguments.set("x-dead-letter-exchange", plan_.exchange.name);
    queue.arguments.set("x-dead-letter-routing-key", names::error_key(step.id));
    queue.arguments.set("x-millrace-isolate-suspects", true);
    queue.arguments.set("x-millrace-dedup-window", window.milliseconds);
    queue.arguments.set("x-millrace-dedup-max", window.ids);
    if (step.ordered_by) {
      queue.arguments.set("x-millrace-ordered", true);
      bind(queue.name, names::rebound_key(step.id));
    }
    bind(queue.name, names::input_key(step.id));
    for (const std::string& before : step.after) bind(queue.name, names::output_key(before));
    plan_.queues.push_back(std::move(queue));
  }

  /// Messages lie here until their expiration and return to the step.
  void add_rebound_queue(const Step& step) {
    broker::QueueSpec queue;
    queue.name = names::rebound_queue(flow_.name, version_, step.id);
    queue.arguments.set("x-dead-letter-exchange", plan_.exchange.name);
    queue.arguments.set("x-dead-letter-routing-key", names::input_key(step.id));
    bind(queue.name, names::rebound_key(step.id));
    plan_.queues.push_back(std::move(queue));
  }

  void add_health_queue() {
    broker::QueueSpec queue;
    queue.name = names::health_queue(flow_.name, version_);
    queue.durable = false;
    queue.arguments.set("x-max-length", std::int64_t{10'000});
    for (const auto& worker : plan_.workers) {
      if (!worker.settings.health_key.empty()) bind(queue.name, worker.settings.health_key);
    }
    plan_.queues.push_back(std::move(queue));
  }

  void add_last_value_queue(std::string name, std::string key) {
    broker::QueueSpec queue;
    queue.name = std::move(name);
    queue.arguments.set("x-max-length", std::int64_t{1});
    bind(queue.name, std::move(key));
    plan_.queues.push_back(std::move(queue));
  }

  WorkerPlan worker(const Step& step) const {
    const auto source = [](const std::optional<Mapping>& mapping) {
      return mapping ? std::optional<std::string>(mapping->source) : std::nullopt;
    };
    WorkerPlan worker;
    worker.flow = flow_.name;
    worker.version = version_;
    worker.step = step.id;
    const auto dot = step.function.find('.');
    worker.component = step.function.substr(0, dot);
    worker.function = step.function.substr(dot + 1);
    worker.instances = step.instances;
    worker.running = step.running;
    worker.ordered_by = source(step.ordered_by);
    if (const Descriptor* known = descriptor_of(step)) run_from_image(*known, worker);
    worker.settings.id = step.id;
    worker.settings.component = worker.component;
    worker.settings.function = worker.function;
    worker.settings.config = step.config;
    worker.settings.passthrough = flow_.passthrough;
    worker.settings.credential = step.credential;
    worker.settings.input = source(step.input);
    worker.settings.when = source(step.when);
    worker.settings.retry = step.retry;
    if (const Descriptor* known = descriptor_of(step)) worker.settings.program = known->program;
    worker.settings.concurrency = step.concurrency;
    if (!step.is_trigger && step.parks) worker.settings.health_key = names::health_key(step.id);
    worker.settings.next_steps = static_cast<std::uint32_t>(flow_.successors(step.id).size());
    worker.settings.has_successors = worker.settings.next_steps > 0;
    worker.settings.history = flow_.history;
    return worker;
  }

  /// A component that is an image runs from it, unless the step names another.
  static void run_from_image(const Descriptor& descriptor, WorkerPlan& worker) {
    if (descriptor.image.empty()) return;
    worker.is_in_image = true;
    if (worker.running.image.empty()) worker.running.image = descriptor.image;
    worker.running.driver = Running::Driver::docker;
  }

  /// Whether callers' messages come to its queue, either straight or through a trigger without a worker.
  bool takes_webhooks(const Step& step) const {
    const auto is_webhook = [](const Step& it) { return it.kind == Descriptor::Kind::webhook_trigger; };
    return is_webhook(step) || std::any_of(step.after.begin(), step.after.end(), [&](const std::string& id) {
             const Step* before = flow_.find(id);
             return before != nullptr && is_webhook(*before) && !before->has_worker;
           });
  }

  /// Null: an action that only the step's image knows.
  const Descriptor* descriptor_of(const Step& step) const {
    const component::Function* function = catalogue_.find(step.function);
    MILLRACE_CHECK(function != nullptr || !step.running.image.empty(),
                   "a flow is planned with the catalogue it was validated with");
    return function == nullptr ? nullptr : &function->descriptor;
  }

  void bind(std::string queue, std::string key) { plan_.bindings.push_back({std::move(queue), std::move(key)}); }

  const Flow& flow_;
  const std::int64_t version_;
  const component::Catalogue& catalogue_;
  Plan plan_;
};

}  // namespace

component::WorkerEnvironment environment_of(const WorkerPlan& worker) {
  component::WorkerEnvironment environment;
  environment.flow_id = worker.flow;
  environment.step_id = worker.step;
  environment.component = worker.component;
  environment.function = worker.function;
  environment.listen_messages_on = worker.queue();
  environment.publish_messages_to = names::exchange(worker.flow, worker.version);
  environment.data_routing_key = names::output_key(worker.step);
  environment.error_routing_key = names::error_key(worker.step);
  environment.rebound_routing_key = names::rebound_key(worker.step);
  environment.snapshot_routing_key = names::snapshot_key(worker.step);
  return environment;
}

Plan make_plan(const Flow& flow, std::int64_t version, const component::Catalogue& catalogue) {
  return Planner(flow, version, catalogue).plan();
}

}  // namespace millrace::flow
