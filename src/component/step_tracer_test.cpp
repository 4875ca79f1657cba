#include "component/step_tracer.hpp"

#include <doctest/doctest.h>

#include "component/outbox.hpp"
#include "io/sim/loop.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using component::Lineage;
using component::Message;
using component::Outbox;
using component::Outcome;

namespace {

constexpr auto traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

struct Tracing {
  Tracing() {
    environment.flow_id = "orders";
    environment.step_id = "shape";
    environment.listen_messages_on = "orders@1.shape";
    environment.publish_messages_to = "flow.orders@1";
    environment.data_routing_key = "shape:output";
    settings.retry = {1s, 2, 60s, 3, {}};
    settings.trace_ratio = 1;
  }

  /// A message as it comes to the step.
  Lineage arrived(const std::string& traceparent_header) {
    amqp::Properties properties;
    auto& headers = properties.headers.emplace();
    headers.set("messageId", "m-1");
    headers.set("threadId", "e-1");
    if (!traceparent_header.empty()) headers.set("traceparent", traceparent_header);
    headers.set("tracestate", "a=b");
    auto lineage = *Lineage::read(amqp::encode_properties(properties));
    tracer.begin(lineage);
    return lineage;
  }
  std::string told(std::size_t i) const {
    return std::string(amqp::decode_properties(published.at(i).properties)->headers->text("traceparent"));
  }
  void end(const Lineage& lineage, const Outcome& outcome, bool over = true) {
    const std::string envelope = "{}";
    tracer.add({lineage, envelope, nullptr, outcome, published, {}, over, loop.wall_now(), 0ns});
  }
  std::optional<tracing::Span> span() {
    const auto bytes = tracer.take();
    std::string_view rest = bytes;
    return tracing::take_span(rest);
  }

  io::sim::SimLoop loop;
  component::WorkerEnvironment environment;
  component::StepSettings settings;
  component::StepTracer tracer{loop, environment, settings};
  Outbox outbox{loop, environment, settings, false};
  Outbox::Publishes published;
  Message input = *Message::parse(R"({"id":"m-1","body":{}})");
};

}  // namespace

TEST_CASE("what a step makes of a message stands below its try, which stands below what made the message") {
  Tracing it;
  const auto lineage = it.arrived(traceparent);
  REQUIRE(it.outbox.add_emissions(lineage, it.input, {{.body = "1"}, {.body = "2"}}, 0, it.published));
  it.loop.run_for(3ms);
  it.end(lineage, Outcome::done({}));
  const auto span = it.span();
  REQUIRE(span);
  CHECK(span->parent == "b7ad6b7169203331");
  CHECK(span->context.trace_id == "0af7651916cd43dd8448eb211c80319c");
  CHECK(span->context.state == "a=b");
  CHECK(span->name == "process shape");
  CHECK(span->end_ns - span->begin_ns == 3'000'000);
  CHECK_FALSE(span->failure);
  CHECK(it.told(0) == span->context.traceparent());
  CHECK(it.told(1) == span->context.traceparent());
}

TEST_CASE("a try that failed says why; a part of one says nothing yet") {
  Tracing it;
  const auto lineage = it.arrived(traceparent);
  it.end(lineage, Outcome::done({}), false);
  CHECK_FALSE(it.span());
  it.end(lineage, Outcome::dead({"http.status", "it answered 400"}));
  const auto span = it.span();
  REQUIRE(span);
  CHECK(span->failure == "it answered 400");
}

TEST_CASE("a message that is put back keeps the trace it came with") {
  Tracing it;
  const auto lineage = it.arrived(traceparent);
  CHECK(it.outbox.add_rebound(lineage, "{}", Outcome::later({"http.status", "503"}), it.published));
  it.outbox.add_dead_letter(lineage, "{}", {"http.status", "400"}, it.published);
  CHECK(it.told(0) == traceparent);
  CHECK(it.told(1) == traceparent);
}

TEST_CASE("a message of no trace begins one with its first try, in which its later ones go on") {
  Tracing it;
  const auto first = it.arrived("");
  REQUIRE(first.span);
  CHECK(first.span->parent.empty());
  CHECK(it.outbox.add_rebound(first, "{}", Outcome::later({"http.status", "503"}), it.published));
  const auto second = *Lineage::read(it.published.at(0).properties);
  CHECK(second.trace.span_id == first.span->context.span_id);
}

TEST_CASE("what is not sampled has no span, and its context goes on") {
  Tracing it;
  it.settings.trace_ratio = 0;
  const auto theirs = it.arrived("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  const auto ours = it.arrived("");
  for (const auto& lineage : {theirs, ours}) {
    CHECK_FALSE(lineage.span);
    it.end(lineage, Outcome::done({}));
    CHECK_FALSE(it.span());
    REQUIRE(it.outbox.add_emissions(lineage, it.input, {{.body = "1"}}, 0, it.published));
  }
  CHECK(it.told(0) == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  CHECK(it.told(1).ends_with("-00"));
}

TEST_CASE("each message of a polling trigger begins a trace of its own") {
  Tracing it;
  const Outbox polling{it.loop, it.environment, it.settings, true};
  auto tick = it.arrived("");
  tick.span.reset();
  REQUIRE(polling.add_emissions(tick, it.input, {{.body = "1"}, {.body = "2"}}, 0, it.published));
  const auto outcome = Outcome::done({});
  const std::string envelope = "{}";
  it.tracer.add_beginnings({tick, envelope, nullptr, outcome, it.published, {}, true, it.loop.wall_now(), 0ns},
                           it.loop.steady_now());
  const auto bytes = it.tracer.take();
  std::string_view rest = bytes;
  const auto first = tracing::take_span(rest);
  const auto second = tracing::take_span(rest);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->parent.empty());
  CHECK(first->context.traceparent() == it.told(0));
  CHECK(second->context.traceparent() == it.told(1));
  CHECK(first->context.trace_id != second->context.trace_id);
}
