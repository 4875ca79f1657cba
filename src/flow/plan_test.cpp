#include "flow/plan.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "flow/test_catalogue.hpp"

namespace millrace::flow {
namespace {

const std::string text = R"(name: web
steps:
  - { id: form, trigger: webhook.receive, config: { path: x } }
  - { id: shape, action: jsonata.transform, after: form, config: { expression: body } }
  - id: publish
    action: http.request
    after: [shape, form]
    instances: 3
    when: body.ok
    input: passthrough.form.body
    config: { url: "http://x" }
    retry: { attempts: 7, initial: 2s }
)";

const component::Catalogue& catalogue() {
  static const component::Catalogue it = test_catalogue();
  return it;
}

Plan plan_of(std::string_view flow) {
  auto flows = load_text(flow, "f.yaml", catalogue(), test_variable);
  REQUIRE(flows);
  return make_plan(flows->front(), 1, catalogue());
}

const broker::QueueSpec& queue(const Plan& plan, std::string_view name) {
  const auto found =
      std::find_if(plan.queues.begin(), plan.queues.end(), [&](const auto& q) { return q.name == name; });
  REQUIRE(found != plan.queues.end());
  return *found;
}

std::vector<std::string> keys_of(const Plan& plan, std::string_view queue_name) {
  std::vector<std::string> keys;
  for (const BindingPlan& binding : plan.bindings) {
    if (binding.queue == queue_name) keys.push_back(binding.key);
  }
  return keys;
}

std::vector<std::string> queue_names(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& queue : plan.queues) names.push_back(queue.name);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a flow's exchange and queues have the documented names and bindings") {
  const Plan plan = plan_of(text);
  CHECK(plan.flow == "web");
  CHECK(plan.exchange.name == "flow.web@1");
  CHECK(plan.exchange.type == "direct");
  CHECK(plan.exchange.durable);
  CHECK(queue_names(plan) == Names{"web@1.shape", "web@1.shape.rebounds", "web@1.publish", "web@1.publish.rebounds",
                                   "web@1..health", "web.dead-letters"});
  CHECK(keys_of(plan, "web@1.shape") == Names{"shape:input", "form:output"});
  CHECK(keys_of(plan, "web@1.publish") == Names{"publish:input", "shape:output", "form:output"});
  CHECK(keys_of(plan, "web@1.publish.rebounds") == Names{"publish:rebound"});
  CHECK(keys_of(plan, "web.dead-letters") == Names{"form:error", "shape:error", "publish:error"});
}

TEST_CASE("a step's queue sends what its workers die of to the dead letters, and remembers ids") {
  const Plan plan = plan_of(text);
  const amqp::FieldTable& arguments = queue(plan, "web@1.publish").arguments;
  CHECK(arguments.integer("x-delivery-limit") == 6);
  CHECK(arguments.text("x-dead-letter-exchange") == "flow.web@1");
  CHECK(arguments.text("x-dead-letter-routing-key") == "publish:error");
  CHECK(arguments.boolean("x-millrace-isolate-suspects"));
  const amqp::FieldTable& rebounds = queue(plan, "web@1.publish.rebounds").arguments;
  CHECK(rebounds.text("x-dead-letter-exchange") == "flow.web@1");
  CHECK(rebounds.text("x-dead-letter-routing-key") == "publish:input");
  CHECK(rebounds.entries().size() == 2);
  CHECK(queue(plan, "web.dead-letters").arguments.empty());
}

TEST_CASE("the queue of a step with ordered_by is ordered, and takes what the step puts back itself") {
  const Plan plan =
      plan_of(text + "  - { id: last, action: test.fields, after: publish, ordered_by: body.customer }\n");
  CHECK(queue(plan, "web@1.last").arguments.boolean("x-millrace-ordered"));
  CHECK(!queue(plan, "web@1.publish").arguments.boolean("x-millrace-ordered"));
  CHECK(keys_of(plan, "web@1.last") == Names{"last:rebound", "last:input", "publish:output"});
  const auto names = queue_names(plan);
  CHECK(std::find(names.begin(), names.end(), "web@1.last.rebounds") == names.end());
  CHECK(plan.workers.back().ordered_by == "body.customer");
  CHECK(!plan.workers.front().ordered_by);
}

TEST_CASE("queues after a webhook remember ids for a day, others for ten minutes") {
  const Plan plan = plan_of(text + "  - { id: last, action: test.fields, after: publish }\n");
  CHECK(queue(plan, "web@1.shape").arguments.integer("x-millrace-dedup-window") == 86'400'000);
  CHECK(queue(plan, "web@1.shape").arguments.integer("x-millrace-dedup-max") == 1'000'000);
  CHECK(queue(plan, "web@1.publish").arguments.integer("x-millrace-dedup-window") == 86'400'000);
  CHECK(queue(plan, "web@1.last").arguments.integer("x-millrace-dedup-window") == 600'000);
  CHECK(queue(plan, "web@1.last").arguments.integer("x-millrace-dedup-max") == 100'000);
}

TEST_CASE("each step with a worker has its settings; webhooks have none") {
  const Plan plan = plan_of(text);
  REQUIRE(plan.workers.size() == 2);
  const WorkerPlan& publish = plan.workers[1];
  CHECK(publish.flow == "web");
  CHECK(publish.step == "publish");
  CHECK(publish.component == "http");
  CHECK(publish.function == "request");
  CHECK(publish.instances == flow::Instances{3, 3, 0});
  CHECK(publish.settings.id == "publish");
  CHECK(publish.settings.component == "http");
  CHECK(publish.settings.function == "request");
  CHECK(publish.settings.config.at("url") == "http://x");
  CHECK(publish.settings.when == "body.ok");
  CHECK(publish.settings.input == "passthrough.form.body");
  CHECK(publish.settings.passthrough);
  CHECK(publish.settings.retry.attempts == 7);
  CHECK(publish.settings.retry.initial == std::chrono::seconds(2));
  CHECK(!publish.settings.has_successors);
  CHECK(plan.workers[0].settings.has_successors);
  CHECK(plan.workers[0].settings.passthrough);
  CHECK(!plan.workers[0].settings.when);
}

TEST_CASE("polling triggers have worker, queue, snapshot and ticks; timers only ticks") {
  const std::string rest = "  - { id: s, action: test.fields, after: t }\n";
  const Plan poll = plan_of("name: p\nsteps:\n  - { id: t, trigger: http.poll, config: { every: 1m } }\n" + rest);
  CHECK(queue_names(poll) == Names{"p@1.t", "p@1.t.rebounds", "p.t.snapshot", "p.t.ticks", "p@1.s", "p@1.s.rebounds",
                                   "p@1..health", "p.dead-letters"});
  CHECK(keys_of(poll, "p@1.t") == Names{"t:input"});
  CHECK(keys_of(poll, "p.t.snapshot") == Names{"t:snapshot"});
  CHECK(queue(poll, "p.t.snapshot").arguments.integer("x-max-length") == 1);
  CHECK(poll.workers.size() == 2);
  REQUIRE(poll.ticks);
  CHECK(poll.ticks->polls);
  CHECK(poll.ticks->schedule.text() == "every 60s");
  const Plan timer = plan_of("name: p\nsteps:\n  - { id: t, trigger: timer.tick, config: { every: 5 } }\n" + rest);
  CHECK(queue_names(timer) == Names{"p.t.ticks", "p@1.s", "p@1.s.rebounds", "p@1..health", "p.dead-letters"});
  CHECK(keys_of(timer, "p.t.ticks") == Names{"t:tick"});
  CHECK(queue(timer, "p.t.ticks").arguments.integer("x-max-length") == 1);
  CHECK(timer.workers.size() == 1);
  REQUIRE(timer.ticks);
  CHECK(!timer.ticks->polls);
}

}  // namespace millrace::flow
