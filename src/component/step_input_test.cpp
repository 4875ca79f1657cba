#include "component/step_input.hpp"

#include <cstdlib>

#include <doctest/doctest.h>

#include "io/sim/loop.hpp"

using namespace millrace;
using component::Lineage;
using component::StepInput;
using component::StepSettings;

namespace {

class Nowhere final : public component::Outside {
 public:
  Result<std::unique_ptr<io::Transfers>> transfers() override {
    return Error{Error::Kind::unsupported, "nothing goes out here"};
  }
  void write(Stream, std::string_view, const Subject&) override {}
};

/// What a step of the flow "orders" may use.
const component::Services& services() {
  static io::sim::SimLoop loop(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1));
  static Nowhere outside;
  static const component::Services given{loop, outside, "orders", "shape", true, false, 7};
  return given;
}

StepInput compiled(std::optional<std::string> when, std::optional<std::string> input) {
  StepSettings settings;
  settings.id = "shape";
  settings.when = std::move(when);
  settings.input = std::move(input);
  auto made = StepInput::compile(settings, services());
  REQUIRE(made);
  return std::move(*made);
}

Lineage of_execution(std::string id) {
  Lineage lineage;
  lineage.execution_id = std::move(id);
  return lineage;
}

}  // namespace

TEST_CASE("without when and input a message goes to the action as it came") {
  const std::string envelope = R"({"id":"1","body":{"a":[1,2]},"passthrough":{}})";
  const auto message = compiled({}, {}).prepare({}, envelope);
  REQUIRE(message);
  REQUIRE(*message);
  CHECK((*message)->envelope() == envelope);
}

TEST_CASE("a body that is in the object storage is not taken for an empty one") {
  const std::string envelope = R"({"body":{},"headers":{"x-ipaas-object-storage-id":"0a-1"}})";
  const auto refused = compiled({}, {}).prepare({}, envelope);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "message.too_large");
  CHECK(refused.error().message.find("object 0a-1") != std::string::npos);
  StepSettings settings;
  settings.program.emplace();
  CHECK(StepInput::compile(settings, services())->prepare({}, envelope)->has_value());
  settings.input = "body";
  CHECK_FALSE(StepInput::compile(settings, services())->prepare({}, envelope));
  CHECK(compiled({}, {}).prepare({}, R"({"body":{"a":1},"headers":{"x-ipaas-object-storage-id":"0a-1"}})"));
}

TEST_CASE("when decides who passes by, as $boolean() sees it") {
  const auto input = compiled("body.n > 1", {});
  CHECK(input.prepare({}, R"({"body":{"n":2}})")->has_value());
  CHECK(!input.prepare({}, R"({"body":{"n":1}})")->has_value());
  CHECK(!input.prepare({}, R"({"body":{}})")->has_value());
  CHECK(!compiled("body.list", {}).prepare({}, R"({"body":{"list":[0]}})")->has_value());
}

TEST_CASE("when sees the message as it came, and input makes the action's body") {
  const auto input = compiled("body.n = 1", R"({ "twice": body.n * 2, "of": $flow & "/" & $step & "/" & $execution })");
  const auto message = input.prepare(of_execution("e-1"), R"({"id":"7","body":{"n":1},"headers":{"x":1}})");
  REQUIRE(message);
  REQUIRE(*message);
  CHECK((*message)->body() == R"({"twice":2,"of":"orders/shape/e-1"})");
  CHECK((*message)->id() == "7");
  CHECK((*message)->part("headers") == R"({"x":1})");
}

TEST_CASE("an input that yields nothing makes an empty body") {
  const auto message = compiled({}, "body.none").prepare({}, R"({"body":{"n":1}})");
  REQUIRE(message);
  REQUIRE(*message);
  CHECK((*message)->body() == "{}");
}

TEST_CASE("where the platform could not find out a message's key, that is its failure") {
  Lineage lineage;
  lineage.order_failure = "jsonata.T2001: ordered_by: why";
  const auto failed = compiled("true", {}).prepare(lineage, "{}");
  REQUIRE(!failed);
  CHECK(failed.error().code == "jsonata.T2001");
  CHECK(failed.error().message == "ordered_by: why");
}

TEST_CASE("what is no message, or too deep, or fails in an expression, is a failure with a code") {
  CHECK(compiled({}, {}).prepare({}, "not JSON").error().code == "message.not_json");
  CHECK(compiled({}, {}).prepare({}, "[1]").error().code == "message.not_json");
  const std::string deep = R"({"body":)" + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  CHECK(compiled({}, {}).prepare({}, deep).error().code == "message.too_deep");
  const auto failed = compiled("body.a + 1", {}).prepare({}, R"({"body":{"a":"x"}})");
  REQUIRE(!failed);
  CHECK(failed.error().code == "jsonata.T2001");
  CHECK(failed.error().message.find("when") != std::string::npos);
}

TEST_CASE("an expression that is none names step and place") {
  StepSettings settings;
  settings.id = "shape";
  settings.input = "body.(";
  const auto made = StepInput::compile(settings, services());
  REQUIRE(!made);
  CHECK(made.error().message.find("step shape") != std::string::npos);
  CHECK(made.error().message.find("input") != std::string::npos);
}

TEST_CASE("an expression's clock is the loop's, and its random numbers are the seed's") {
  const auto input = compiled({}, R"({ "now": $now(), "random": $random() })");
  const auto first = input.prepare({}, R"({"body":{}})");
  REQUIRE(first);
  CHECK((*first)->body().find("2026-03-01T00:00:00.000Z") != std::string::npos);
  CHECK((*first)->body() == (*input.prepare({}, R"({"body":{}})"))->body());
  CHECK((*first)->body() != (*input.prepare({}, R"({"body":{"n":1}})"))->body());
}

TEST_CASE("a mapping sees of the environment what the operator lets it see") {
  ::setenv("MILLRACE_VAR_REGION", "eu \"west\"", 1);
  ::setenv("REGION_SECRET", "hidden", 1);
  const auto input =
      compiled({}, R"({"region": $env.REGION, "none": [$env.REGION_SECRET, $env.HOME], "keys": $keys($env)})");
  ::unsetenv("MILLRACE_VAR_REGION");
  ::unsetenv("REGION_SECRET");
  const auto message = input.prepare({}, R"({"body":{}})");
  REQUIRE(message);
  REQUIRE(*message);
  CHECK((*message)->body() == R"({"region":"eu \"west\"","none":[],"keys":"REGION"})");
}
