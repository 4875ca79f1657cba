#include <fmt/format.h>

#include "component/json_text.hpp"
#include "hosted.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using component::Outcome;
using tests::Hosted;

TEST_CASE("a component's result is the step's emission") {
  Hosted mill("act");
  const auto outcome = mill.outcome_of(R"({"corn":"rye ü"})");
  CHECK(outcome.kind == Outcome::Kind::ok);
  REQUIRE(outcome.emissions.size() == 1);
  CHECK(outcome.emissions[0].body == R"({"corn":"rye ü","greeting":"hello"})");
  CHECK(component::json_text::member(outcome.emissions[0].headers, "seen") == R"("yes")");
}

TEST_CASE("each event of the library becomes what it is here") {
  Hosted mill("act");
  mill.give("split", R"({"do":"split","count":5})");
  mill.give("legacy", R"({"do":"legacy","count":5})");
  mill.give("fail", R"({"do":"fail"})");
  mill.give("both", R"({"do":"failAfterData"})");
  mill.give("unknown", R"({"do":"fly"})");
  mill.give("rebound", R"({"do":"rebound"})");
  mill.give("snapshot", R"({"do":"snapshot","position":7})");
  mill.give("update", R"({"do":"updateSnapshot","extra":8})");
  mill.give("reply", R"({"do":"reply","corn":"rye"})", "reply.here");
  mill.give("data reply", R"({"do":"replyAsData"})", "reply.here");
  mill.give("no reply", R"({"do":"reply"})");
  mill.give("lost key", R"({"do":"lostKey"})");
  mill.give("environment", R"({"do":"environment"})");
  mill.run_until(13);
  REQUIRE_MESSAGE(mill.finished.size() == 13, mill.lost);

  const auto kind = [&](const char* id) { return mill.finished.at(id).kind; };
  const auto failure = [&](const char* id) { return mill.finished.at(id).failure; };
  const auto emission = [&](const char* id) { return mill.finished.at(id).emissions.at(0); };

  CHECK(mill.finished.at("split").emissions.size() == 5);
  CHECK(emission("split").body == R"({"i":0})");
  CHECK(mill.finished.at("legacy").emissions.size() + mill.late.size() == 5);

  CHECK(kind("fail") == Outcome::Kind::failed);
  CHECK(failure("fail").code == "component.error");
  CHECK(failure("fail").message == "TypeError: the mill is dry");
  CHECK(failure("fail").details.find("act.js") != std::string::npos);
  CHECK(kind("both") == Outcome::Kind::failed);
  CHECK(failure("both").message == "emitted, not thrown");
  CHECK(emission("both").body == R"({"before":"the error"})");
  CHECK(failure("unknown").message == "the mill cannot fly");

  CHECK(kind("rebound") == Outcome::Kind::rebound);
  CHECK(failure("rebound").message == "come again");

  CHECK(mill.finished.at("snapshot").snapshot == R"({"position":7})");
  CHECK(mill.finished.at("update").snapshot == R"({"position":7,"extra":8})");

  CHECK(emission("reply").routing_key == "reply.here");
  CHECK(emission("reply").body == R"({"status":201,"headers":{"x-mill":"turns"},"body":{"ground":"rye"}})");
  CHECK(emission("data reply").routing_key == "reply.here");
  CHECK(emission("data reply").body == R"({"status":202,"headers":{"content-type":"text/plain"},"body":"as data"})");
  CHECK(kind("no reply") == Outcome::Kind::failed);
  CHECK(failure("lost key").code == "component.routing_key");

  const auto environment = emission("environment").body;
  CHECK(component::json_text::member(environment, "flow") == R"("the-flow")");
  CHECK(component::json_text::member(environment, "leaks") == "[]");
  CHECK(component::json_text::member(environment, "initialised") == R"("hello")");
}

TEST_CASE("an error goes to the waiting caller, too") {
  Hosted mill("act");
  const auto outcome = mill.outcome_of(R"({"do":"fail"})", "reply.here");
  REQUIRE(outcome.emissions.size() == 1);
  CHECK(outcome.emissions[0].routing_key == "reply.here");
  CHECK(outcome.emissions[0].body == R"({"status":500,"headers":{},"body":{"error":"the mill is dry"}})");
}

TEST_CASE("one at a time keeps the order; several at once share nothing but the process") {
  Hosted mill("act", false, 50);
  constexpr std::size_t count = 500;
  for (std::size_t i = 0; i < count; ++i) mill.give(fmt::format("m-{}", i), fmt::format(R"({{"n":{}}})", i));
  mill.run_until(count);
  REQUIRE_MESSAGE(mill.finished.size() == count, mill.lost);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& emissions = mill.finished.at(fmt::format("m-{}", i)).emissions;
    REQUIRE(emissions.size() == 1);
    CHECK(component::json_text::member(emissions[0].body, "n") == std::to_string(i));
  }

  Hosted single("act");
  for (std::size_t i = 0; i < 50; ++i) single.give(std::to_string(i), "{}");
  single.run_until(50);
  REQUIRE(single.order.size() == 50);
  for (std::size_t i = 0; i < 50; ++i) CHECK(single.order[i] == std::to_string(i));
}

TEST_CASE("a second message of the same id waits until the first is done with") {
  Hosted mill("act", false, 10);
  std::vector<std::string> bodies;
  mill.give("same", R"({"n":1})");
  mill.give("same", R"({"n":2})");
  mill.give("other", R"({"n":3})");
  mill.run_until(2);
  while (mill.order.size() < 3 && mill.lost.empty()) {
    mill.loop().after(5ms, [&] { mill.loop().stop(); });
    mill.loop().run();
  }
  CHECK(mill.order.size() == 3);
  CHECK(mill.finished.at("same").emissions.at(0).body.find("\"n\":2") != std::string::npos);
}

TEST_CASE("what one message emits by the ten thousands takes effect in pages, and none is missing") {
  Hosted mill("act");
  const auto outcome = mill.outcome_of(R"({"do":"burst","count":10000})");
  CHECK(outcome.kind == Outcome::Kind::ok);
  CHECK(mill.paged.size() + outcome.emissions.size() + mill.late.size() == 10'000);
  CHECK(mill.paged.size() >= 1'000);
}

TEST_CASE("a polling trigger emits and moves its position in one outcome") {
  Hosted mill("poll", true);
  const auto outcome = mill.outcome_of("{}");
  REQUIRE(outcome.emissions.size() == 3);
  CHECK(outcome.emissions[0].body == R"({"number":5})");
  CHECK(outcome.snapshot == R"({"last":7})");
}

TEST_CASE("a component that never ends a message loses it, and those that it ends do not suffer before") {
  Hosted mill("act", false, 5, {{"MILLRACE_MESSAGE_TIMEOUT", "2"}});
  mill.give("stuck", R"({"do":"never"})");
  mill.give("fine", "{}");
  mill.run_until(2);
  CHECK(mill.finished.size() == 1);
  CHECK(mill.finished.contains("fine"));
  CHECK(mill.lost == "the component has not ended message stuck, nor emitted anything for it, within 2 s");
}

TEST_CASE("a component that ends, in mid-message or at load, is told of with its own words") {
  Hosted mill("act");
  mill.give("m-1", R"({"do":"die","code":0})");
  mill.run_until(1);
  CHECK(mill.finished.empty());
  CHECK(mill.lost == "the component exited with code 0");

  Hosted broken("broken");
  broken.give("m-1", "{}");
  broken.run_until(1);
  CHECK(broken.lost.starts_with("the component exited with code 1: Trigger or action 'broken' is found, but"));
}
