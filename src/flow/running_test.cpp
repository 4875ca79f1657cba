#include <doctest/doctest.h>

#include "flow/plan.hpp"
#include "flow/test_catalogue.hpp"

namespace millrace::flow {
namespace {

std::string flow_with(const std::string& of_flow, const std::string& of_step) {
  return "name: a\n" + of_flow + "steps:\n  - { id: t, trigger: webhook.receive, config: { path: p } }\n" +
         "  - { id: s, after: t, " + of_step + " }\n";
}

Flow flow_of(const std::string& text) {
  const auto loaded = load_text(text, "f.yaml", test_catalogue(), test_variable);
  REQUIRE_MESSAGE(loaded, problems_of(text));
  return loaded->front();
}

const Running processes = [] {
  Running running;
  running.driver = Running::Driver::process;
  return running;
}();

}  // namespace

TEST_CASE(
    "limits that only containers have are a problem where the platform runs processes, an image or driver is none") {
  const auto limited = flow_with("", "action: test.fields, limits: { cpu: 0.5 }");
  CHECK(load_text(limited, "f.yaml", test_catalogue(), test_variable));
  const auto refused = load_text(limited, "f.yaml", test_catalogue(), test_variable, processes);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().front().to_string().starts_with("f.yaml:4:"));
  CHECK(load_text(flow_with("", "action: crm.add, image: 'crm:1', limits: { cpu: 0.5 }"), "f.yaml", test_catalogue(),
                  test_variable, processes));
  CHECK(load_text(flow_with("", "action: test.fields, driver: docker, limits: { pids: 20 }"), "f.yaml",
                  test_catalogue(), test_variable, processes));
}

TEST_CASE("a step's driver, image and limits stand over its flow's") {
  const auto flow = flow_of(flow_with("driver: docker\nlimits: { memory: 128MB, pids: 64 }\n",
                                      "action: test.fields, limits: { memory: 32MB, cpu: 0.5 }"));
  const auto& running = flow.steps.at(1).running;
  CHECK(running.driver == Running::Driver::docker);
  CHECK(running.memory_max == 32'000'000);
  CHECK(running.cpu_max == 0.5);
  CHECK(running.pids_max == 64);
  CHECK(flow_of(flow_with("driver: docker\n", "action: test.fields, driver: process")).steps.at(1).running.driver ==
        Running::Driver::process);
  CHECK_FALSE(flow_of(flow_with("", "action: test.fields")).steps.at(1).running.driver);
}

TEST_CASE("an image means docker, and may have actions that nobody else knows; their config goes as it stands") {
  const auto catalogue = test_catalogue();
  const auto flow =
      flow_of(flow_with("", "action: crm.upsertContact, image: 'example.com/crm:1.4', config: { a: [1, x] }"));
  CHECK(flow.steps.at(1).running.driver == Running::Driver::docker);
  const auto plan = make_plan(flow, 1, catalogue);
  REQUIRE(plan.workers.size() == 1);
  CHECK(plan.workers[0].component == "crm");
  CHECK(plan.workers[0].function == "upsertContact");
  CHECK(plan.workers[0].running.image == "example.com/crm:1.4");
  CHECK(plan.workers[0].settings.config.at("a").as_array().size() == 2);
}

TEST_CASE("what cannot run so is told with its place and the mend") {
  const auto problems = [](const std::string& of_step) { return problems_of(flow_with("", of_step)); };
  CHECK(problems("action: test.fields, driver: dokcer") ==
        "f.yaml:4:53: steps[1].driver: \"dokcer\" is none of: process, docker (did you mean \"docker\"?)\n");
  CHECK(problems("action: test.fields, driver: process, image: x") ==
        "f.yaml:4:69: steps[1].image: an image runs as a container, but the driver is process (write \"driver: "
        "docker\")\n");
  CHECK(problems("action: test.fields, image: 'a b'") ==
        "f.yaml:4:52: steps[1].image: \"a b\" cannot be the name of an image (write NAME:TAG, or REGISTRY/NAME:TAG)\n");
  CHECK(problems("action: test.fields, driver: process, limits: { cpu: 1 }").find("only for containers") !=
        std::string::npos);
  CHECK(problems("action: test.fields, limits: { memory: 1MB }") ==
        "f.yaml:4:63: steps[1].limits.memory: must be between 16000000 and 1000000000000000 bytes, but is 1000000 "
        "bytes\n");
  CHECK(problems("action: test.fields, limits: { pids: 2 }").find("between 8 and 1000000") != std::string::npos);
  CHECK(problems("action: test.fields, limits: { cpu: 0 }").find("between 0.01 and 1024") != std::string::npos);
  CHECK(problems("action: test.fields, limits: 5").find("must be a mapping") != std::string::npos);
  CHECK(problems("action: test.fields, limits: { ram: 5 }").find("unknown field") != std::string::npos);
  CHECK(problems("action: crm.upsert").starts_with("f.yaml:4:32: steps[1].action: there is no action \"crm.upsert\""));
  CHECK(problems("action: crm, image: x:1").find("there is no action \"crm\"") != std::string::npos);
  CHECK(problems_of("name: a\nsteps:\n  - { id: t, trigger: webhook.receive, config: { path: p }, driver: docker }\n"
                    "  - { id: s, after: t, action: test.fields }\n") ==
        "f.yaml:3:69: steps[0].driver: webhook.receive has no worker of its own (put \"driver\" into the steps after "
        "it)\n");
}

}  // namespace millrace::flow
