#include <cstdlib>

#include <doctest/doctest.h>

#include "component/retry_policy.hpp"
#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"

using namespace millrace;
using namespace std::chrono_literals;

TEST_CASE("step settings read back what they wrote") {
  component::StepSettings settings;
  settings.id = "publish";
  settings.component = "http";
  settings.function = "request";
  settings.config = {{"url", "http://x"}, {"timeout", 3}};
  settings.snapshot = R"({"cursor":"2026"})";
  settings.passthrough = true;
  settings.when = "body.a > 1";
  settings.retry = {2s, 1.5, 60s, 7, {1s, 5s}};
  settings.has_successors = false;
  settings.concurrency = 7;
  settings.startup = true;
  settings.objects = objects::Access{"a token", "a password", "sixteen letters."};
  settings.program = component::Program{
      component::Program::Protocol::lines, true, "/components/shop", {"python3", "main.py"}, "orders", {{"SHOP", "1"}}};

  const auto read = component::StepSettings::from_json(settings.to_json());
  REQUIRE(read);
  CHECK(read->id == "publish");
  CHECK(read->component == "http");
  CHECK(read->function == "request");
  CHECK(read->config == settings.config);
  CHECK(read->snapshot == settings.snapshot);
  CHECK(read->passthrough);
  CHECK_FALSE(read->input);
  CHECK(read->when == "body.a > 1");
  CHECK(read->retry.initial == 2s);
  CHECK(read->retry.factor == 1.5);
  CHECK(read->retry.max == 60s);
  CHECK(read->retry.attempts == 7);
  CHECK(read->retry.delays == settings.retry.delays);
  CHECK_FALSE(read->has_successors);
  CHECK(read->concurrency == 7);
  CHECK(read->startup);
  REQUIRE(read->objects);
  CHECK(read->objects->token == "a token");
  CHECK(read->objects->password == "a password");
  CHECK(read->objects->iv == "sixteen letters.");
  CHECK(settings.contract_json().find("a token") == std::string::npos);  // the component's own environment has it
  CHECK(read->program == settings.program);
}

TEST_CASE("settings that are not as expected name the field") {
  const auto read = component::StepSettings::from_json(R"({"id":"a","comp_id":"http","function":7})");
  REQUIRE_FALSE(read);
  CHECK(read.error().message.find("\"function\"") != std::string::npos);
  CHECK_FALSE(component::StepSettings::from_json("[1]"));
}

TEST_CASE("the delay before a retry grows by the factor up to the maximum") {
  const component::RetryPolicy policy{1s, 2, 5s, 20};
  CHECK(policy.delay_before(2) == 1s);
  CHECK(policy.delay_before(3) == 2s);
  CHECK(policy.delay_before(4) == 4s);
  CHECK(policy.delay_before(5) == 5s);
  CHECK(policy.delay_before(4'000'000'000) == 5s);
}

TEST_CASE("a worker's environment survives the way through the process environment") {
  component::WorkerEnvironment environment;
  environment.flow_id = "f";
  environment.step_id = "s";
  environment.data_routing_key = "s:output";
  REQUIRE_FALSE(component::WorkerEnvironment::from_process());
  for (const auto& [name, value] : environment.variables()) setenv(name.c_str(), value.c_str(), 1);
  const auto read = component::WorkerEnvironment::from_process();
  REQUIRE(read);
  CHECK(read->flow_id == "f");
  CHECK(read->data_routing_key == "s:output");
  CHECK(read->prefetch.empty());
  unsetenv("ELASTICIO_STEP_ID");
  const auto missing = component::WorkerEnvironment::from_process();
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("ELASTICIO_STEP_ID") != std::string::npos);
}
