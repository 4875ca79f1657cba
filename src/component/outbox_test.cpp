#include "component/outbox.hpp"

#include <doctest/doctest.h>

#include "core/id.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using component::Emission;
using component::Lineage;
using component::Message;
using component::Outbox;
using component::Outcome;

namespace {

/// A clock that stands still.
class Stillness final : public io::Loop {
 public:
  io::WallTime wall_now() const override { return io::WallTime(1'700'000'000'123ms); }
  io::SteadyTime steady_now() const override { return {}; }
  void post(std::function<void()>) override { FAIL("the outbox only looks at the clock"); }
  io::TimerId after(std::chrono::nanoseconds, std::function<void()>) override {
    FAIL("the outbox only looks at the clock");
    return 0;
  }
  void cancel(io::TimerId) override {}
};

struct Desk {
  Desk() {
    environment.flow_id = "orders";
    environment.step_id = "shape";
    environment.publish_messages_to = "flow.orders";
    environment.data_routing_key = "shape:output";
    environment.error_routing_key = "shape:error";
    environment.rebound_routing_key = "shape:rebound";
    environment.snapshot_routing_key = "shape:snapshot";
    settings.retry = {1s, 2, 60s, 3, {}};
    parent.message_id = "m-1";
    parent.execution_id = "e-1";
  }

  Outbox outbox(bool starts_executions = false) { return {clock, environment, settings, starts_executions}; }
  Status emit(std::vector<Emission> emissions, std::uint64_t first_index = 0) {
    return outbox().add_emissions(parent, input, std::move(emissions), first_index, out);
  }
  amqp::Properties properties(std::size_t i) const { return *amqp::decode_properties(out.at(i).properties); }
  std::string header(std::size_t i, std::string_view name) const {
    return std::string(properties(i).headers->text(name));
  }

  Stillness clock;
  component::WorkerEnvironment environment;
  component::StepSettings settings;
  Lineage parent;
  Message input =
      *Message::parse(R"({"id":"m-1","body":{"a":1},"passthrough":{"form":{"body":1},"shape":{"body":0}}})");
  Outbox::Publishes out;
};

}  // namespace

TEST_CASE("an emission's id comes of parent, step and index, so that a repeat is the same message") {
  Desk desk;
  REQUIRE(desk.emit({{.body = "1"}, {.body = "2"}}));
  REQUIRE(desk.emit({{.body = "2"}}, 1));
  REQUIRE(desk.out.size() == 3);
  CHECK(desk.header(0, "messageId") == child_message_id("m-1", "shape", 0));
  CHECK(desk.header(1, "messageId") == desk.header(2, "messageId"));
  CHECK(desk.header(0, "messageId") != desk.header(1, "messageId"));
  CHECK(desk.properties(0).message_id == desk.header(0, "messageId"));
  CHECK(desk.out[1].body == desk.out[2].body);
}

TEST_CASE("an emission is durable, tells where it comes from, and keeps the waiting caller's key") {
  Desk desk;
  desk.parent.reply_to = "reply.key";
  REQUIRE(desk.emit({{.body = R"({"b":2})", .headers = R"({"h":1})"}}));
  CHECK(desk.out[0].exchange == "flow.orders");
  CHECK(desk.out[0].routing_key == "shape:output");
  CHECK(desk.properties(0).delivery_mode == 2);
  CHECK(desk.header(0, "parentMessageId") == "m-1");
  CHECK(desk.header(0, "threadId") == "e-1");
  CHECK(desk.header(0, "taskId") == "orders");
  CHECK(desk.header(0, "stepId") == "shape");
  CHECK(desk.header(0, "reply_to") == "reply.key");
  const auto message = *Message::parse(desk.out[0].body);
  CHECK(message.body() == R"({"b":2})");
  CHECK(message.part("headers") == R"({"h":1})");
  CHECK(message.part("passthrough").empty());
}

TEST_CASE("each message of a polling trigger begins an execution, and its item's identity names it") {
  Desk desk;
  REQUIRE(desk.outbox(true).add_emissions(desk.parent, desk.input, {{.body = "1", .identity = "item 9"}}, 0, desk.out));
  CHECK(desk.header(0, "threadId") == desk.header(0, "messageId"));
  CHECK(desk.header(0, "messageId") == derived_id({"orders", "shape", "item 9"}));
}

TEST_CASE("what nobody reads is not made; a reply to a waiting caller is") {
  Desk desk;
  desk.settings.has_successors = false;
  REQUIRE(desk.emit({{.body = "1"}, {.body = "2", .routing_key = "reply.key"}}));
  REQUIRE(desk.out.size() == 1);
  CHECK(desk.out[0].routing_key == "reply.key");
  CHECK(desk.header(0, "messageId") == child_message_id("m-1", "shape", 1));
}

TEST_CASE("passthrough carries what earlier steps emitted, and this step's latest") {
  Desk desk;
  desk.settings.passthrough = true;
  REQUIRE(desk.emit({{.body = "7"}}));
  CHECK(Message::parse(desk.out[0].body)->part("passthrough") ==
        R"({"form":{"body":1},"shape":{"body":7,"headers":{}}})");
}

TEST_CASE("of outputs one of which is too large, none goes out") {
  Desk desk;
  desk.out.push_back({});
  const auto added = desk.emit({{.body = "1"}, {.body = "\"" + std::string(component::message_size_max, 'x') + "\""}});
  REQUIRE(!added);
  CHECK(added.error().kind == Error::Kind::limit);
  CHECK(desk.out.size() == 1);
}

TEST_CASE("a snapshot goes to the step's snapshot queue, durably") {
  Desk desk;
  desk.outbox().add_snapshot(R"({"cursor":3})", desk.out);
  CHECK(desk.out[0].routing_key == "shape:snapshot");
  CHECK(desk.out[0].body == R"({"cursor":3})");
  CHECK(desk.properties(0).delivery_mode == 2);
}

TEST_CASE("a rebound is the same message after its delay, with one attempt more") {
  Desk desk;
  desk.parent.attempt = 2;
  CHECK(desk.outbox().add_rebound(desk.parent, "as it came", Outcome::later({"http.status", "503"}), desk.out));
  CHECK(desk.out[0].routing_key == "shape:rebound");
  CHECK(desk.out[0].body == "as it came");
  CHECK(desk.properties(0).expiration == "2000");
  CHECK(desk.properties(0).headers->integer("reboundIteration") == 2);
  CHECK(desk.header(0, "reboundReason") == "http.status: 503");
}

TEST_CASE("a target that asks for more time than the schedule gets it, one that asks for less does not") {
  Desk desk;
  desk.outbox().add_rebound(desk.parent, "", Outcome::later({"http.status", "429"}, 90s), desk.out);
  desk.outbox().add_rebound(desk.parent, "", Outcome::later({"http.status", "429"}, 10ms), desk.out);
  CHECK(desk.properties(0).expiration == "90000");
  CHECK(desk.properties(1).expiration == "1000");
}

TEST_CASE("after the last attempt a rebound is a dead letter with the failure kept") {
  Desk desk;
  desk.parent.attempt = 3;
  desk.parent.properties.expiration = "2000";
  CHECK_FALSE(desk.outbox().add_rebound(desk.parent, "as it came",
                                        Outcome::later({"http.status", "503", R"({"body":""})"}), desk.out));
  CHECK(desk.out[0].routing_key == "shape:error");
  CHECK(desk.out[0].body == "as it came");
  CHECK(desk.header(0, "errorCode") == "http.status");
  CHECK(desk.header(0, "errorMessage") == "503");
  CHECK(desk.header(0, "errorDetails") == R"({"body":""})");
  CHECK(desk.header(0, "failedStep") == "shape");
  CHECK(desk.properties(0).headers->integer("attempts") == 3);
  CHECK(desk.properties(0).headers->integer("failedAt") == 1'700'000'000'123);
  CHECK(!desk.properties(0).expiration);
}

TEST_CASE("a rebound that is not the message's own doing comes again after the last attempt, too") {
  Desk desk;
  desk.parent.attempt = 3;
  CHECK(desk.outbox().add_rebound(desk.parent, "", Outcome::later({"http.status", "503"}), desk.out, false));
  CHECK(desk.out[0].routing_key == "shape:rebound");
}

TEST_CASE("a foreign message put back or given up keeps the id it was given") {
  Desk desk;
  REQUIRE(!desk.parent.properties.headers);
  desk.outbox().add_rebound(desk.parent, "", Outcome::later({"x", ""}), desk.out);
  desk.outbox().add_dead_letter(desk.parent, "", {"x", ""}, desk.out);
  CHECK(desk.header(0, "messageId") == "m-1");
  CHECK(desk.header(1, "messageId") == "m-1");
}

TEST_CASE("a failure's words never outgrow a content header") {
  Desk desk;
  std::string umlauts;
  for (int i = 0; i < 100'000; ++i) umlauts += "ü";
  desk.outbox().add_dead_letter(desk.parent, "", {"x", "a" + umlauts, "\"" + umlauts + "\""}, desk.out);
  CHECK(desk.out[0].properties.size() < 16'000);
  CHECK(desk.header(0, "errorDetails") == R"({"truncated":true})");
  const auto message = desk.header(0, "errorMessage");
  CHECK(message.ends_with("ü…"));
}
