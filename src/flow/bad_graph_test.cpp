#include <doctest/doctest.h>

#include "flow/test_catalogue.hpp"

namespace millrace::flow {

TEST_CASE("the form of a flow: what is missing, unknown or of another type is named with its place") {
  CHECK(problems_of("") == "f.yaml: holds no flow (write \"name:\" and \"steps:\")\n");
  CHECK(problems_of("just text") ==
        "f.yaml:1:1: a flow must be a mapping with \"name\" and \"steps\", but this is text\n");
  CHECK(problems_of("nmae: a\nsteps: {}\n") ==
        "f.yaml:1:1: nmae: unknown field (did you mean \"name\"?)\n"
        "f.yaml:1:1: name: missing (add \"name\": what the flow is called)\n"
        "f.yaml:2:8: steps: must be a list of a trigger and the actions after it, but is a mapping\n");
  CHECK(
      problems_of("name: Web Form\nsteps: []\n") ==
      "f.yaml:1:7: name: \"Web Form\" cannot be a flow's name (use lower-case letters, digits and -, beginning with a "
      "letter or digit, at most 63)\n"
      "f.yaml:2:8: steps: must be a list of a trigger and the actions after it, but is empty\n");
  CHECK(problems_of("name: 5\nname: b\nsteps:\n- x\n") ==
        "f.yaml:1:7: name: must be text, but is the number 5\n"
        "f.yaml:2:1: name: stands here a second time, first in line 1 (keep one of them)\n"
        "f.yaml:4:3: steps[0]: a step must be a mapping, but is text (write \"- id: NAME\" and its fields below)\n");
}

TEST_CASE("unknown fields of a step get the nearest known name") {
  CHECK(problems_of_step("  - { id: s, action: test.fields, after: t, confg: {}, schedule: x }\n") ==
        "f.yaml:4:45: steps[1].confg: unknown field (did you mean \"config\"?)\n"
        "f.yaml:4:56: steps[1].schedule: unknown field (known: id, trigger, action, after, config, input, when, "
        "ordered_by, instances, concurrency, retry, park, driver, image, limits, credential)\n");
}

TEST_CASE("a flow has exactly one trigger and at least one action") {
  CHECK(problems_of("name: a\nsteps:\n  - { id: s, action: test.fields, after: s2 }\n"
                    "  - { id: s2, action: test.fields, after: s3 }\n  - { id: s3, action: test.fields }\n") ==
        "f.yaml:3:3: steps: the flow has no trigger (let its first step have \"trigger: COMPONENT.FUNCTION\")\n"
        "f.yaml:5:5: steps[2].after: missing (name the step or steps whose messages come here)\n");
  CHECK(problems_of_step("  - { id: u, trigger: timer.tick, config: { every: 5 } }\n") ==
        "f.yaml:4:23: steps[1].trigger: a second trigger; the flow already begins with \"t\" in line 3 (a flow has one "
        "trigger: make a second flow of it)\n");
  CHECK(problems_of("name: a\nsteps: [{ id: t, trigger: timer.tick, config: { every: 5 } }]\n") ==
        "f.yaml:2:8: steps: the flow has no action (add a step with \"action\" and \"after: t\")\n");
}

TEST_CASE("`after` belongs to actions, all of them, and names steps that exist") {
  CHECK(problems_of("name: a\nsteps:\n  - { id: t, trigger: timer.tick, after: s, config: { every: 5 } }\n"
                    "  - { id: s, action: test.fields, after: [] }\n") ==
        "f.yaml:3:42: steps[0].after: a trigger begins the flow, it stands after nothing (remove \"after\")\n"
        "f.yaml:4:42: steps[1].after: is empty (name the step or steps whose messages come here)\n");
  CHECK(problems_of_step("  - { id: shape, action: test.fields, after: t }\n"
                         "  - { id: s, action: test.fields, after: [shpe, t, t, 5] }\n") ==
        "f.yaml:5:43: steps[2].after[0]: there is no step \"shpe\" (did you mean \"shape\"?)\n"
        "f.yaml:5:52: steps[2].after[2]: \"t\" stands here twice (keep one of them)\n"
        "f.yaml:5:55: steps[2].after[3]: must be text, but is the number 5\n");
}

TEST_CASE("a cycle is told by its steps, in the direction of the messages") {
  CHECK(problems_of_step("  - { id: a, action: test.fields, after: [t, c] }\n"
                         "  - { id: b, action: test.fields, after: a }\n"
                         "  - { id: c, action: test.fields, after: b }\n") ==
        "f.yaml:4:46: steps[1].after: messages would run in a circle: a → b → c → a (take one of these steps out of "
        "the other's \"after\")\n");
  CHECK(problems_of_step("  - { id: a, action: test.fields, after: a }\n") ==
        "f.yaml:4:42: steps[1].after: messages would run in a circle: a → a (take one of these steps out of the "
        "other's \"after\")\n");
}

TEST_CASE("a step that no message can reach is named") {
  CHECK(problems_of_step("  - { id: x, action: test.fields, after: t }\n"
                         "  - { id: a, action: test.fields, after: b }\n"
                         "  - { id: b, action: test.fields, after: a }\n"
                         "  - { id: c, action: test.fields, after: b }\n") ==
        "f.yaml:5:42: steps[2].after: messages would run in a circle: a → b → a (take one of these steps out of the "
        "other's \"after\")\n"
        "f.yaml:7:11: steps[4]: no message can reach the step \"c\" (let its \"after\" lead back to the trigger)\n");
}

TEST_CASE("ids are unique and of a form that queue names can hold") {
  CHECK(problems_of_step("  - { id: t, action: test.fields, after: t }\n") ==
        "f.yaml:4:11: steps[1].id: \"t\" is already the id of the step in line 3 (give one of them another id)\n");
  CHECK(problems_of_step(
            "  - { action: test.fields, after: t }\n  - { id: dead-letters, action: test.fields, after: t }\n"
            "  - { id: a.b, action: test.fields, after: t }\n") ==
        "f.yaml:4:5: steps[1].id: missing (add \"id\": the step's name, by which other steps refer to it)\n"
        "f.yaml:5:11: steps[2].id: \"dead-letters\" is the name of the flow's dead-letter queue (choose another id)\n"
        "f.yaml:6:11: steps[3].id: \"a.b\" cannot be a step's id (use lower-case letters, digits, - and _, beginning "
        "with a letter or digit, at most 63)\n");
}

TEST_CASE("functions are known, and stand in their place") {
  CHECK(
      problems_of_step(
          "  - { id: a, action: http.requst, after: t }\n  - { id: b, action: webhook.receive, after: t }\n"
          "  - { id: c, after: t }\n  - { id: d, action: zzzz, after: t }\n") ==
      "f.yaml:4:22: steps[1].action: there is no action \"http.requst\" (did you mean \"http.request\"?)\n"
      "f.yaml:5:5: steps[2].config.path: missing (add \"path\": Path below the address.)\n"
      "f.yaml:5:22: steps[2].action: webhook.receive is a trigger, not an action (write \"trigger: webhook.receive\", "
      "in the flow's first step)\n"
      "f.yaml:6:5: steps[3]: has neither \"trigger\" nor \"action\" (add \"action: COMPONENT.FUNCTION\"; `millrace "
      "component list` shows what there is)\n"
      "f.yaml:7:22: steps[4].action: there is no action \"zzzz\" (known: jsonata.transform, http.request, "
      "test.fields)\n");
  CHECK(problems_of("name: a\nsteps:\n  - { id: t, trigger: test.fields }\n"
                    "  - { id: s, action: test.fields, trigger: timer.tick, after: t }\n") ==
        "f.yaml:3:23: steps[0].trigger: test.fields is an action, not a trigger (write \"action: test.fields\" and "
        "\"after:\")\n"
        "f.yaml:4:22: steps[1].action: a step is either a trigger or an action, not both (make two steps of it)\n"
        "f.yaml:4:44: steps[1].trigger: a second trigger; the flow already begins with \"t\" in line 3 (a flow has one "
        "trigger: make a second flow of it)\n"
        "f.yaml:4:63: steps[1].after: a trigger begins the flow, it stands after nothing (remove \"after\")\n");
}

TEST_CASE("a flow has at most 200 steps") {
  std::string text = "name: a\nsteps:\n";
  for (int i = 0; i < 201; ++i) text += "  - { id: s, action: test.fields, after: t }\n";
  CHECK(problems_of(text) ==
        "f.yaml:3:3: steps: has 201 steps, more than the 200 allowed (make several flows of it)\n");
}

TEST_CASE("flows do not share names or webhook addresses") {
  const auto flow = [](std::string name, std::string config) {
    return "name: " + name + "\nsteps:\n  - id: t\n    trigger: webhook.receive\n    config: " + config +
           "\n  - { id: s, action: test.fields, after: t }\n---\n";
  };
  CHECK(problems_of(flow("a", "{ path: /forms/x }") + flow("a", "{ path: y }")) ==
        "f.yaml:8:7: name: \"a\" is already the name of the flow in f.yaml:1 (give one of them another name)\n");
  CHECK(problems_of(flow("a", "{ path: /forms/x }") + flow("b", "{ methods: [GET, POST], path: forms/x/ }")) ==
        "f.yaml:12:43: config.path: POST /forms/x is already the webhook of the flow \"a\" in f.yaml:5 (choose another "
        "path or method)\n");
  CHECK(problems_of(flow("a", "{ path: x }") + flow("b", "{ path: x, methods: [GET] }")) == "");
}

}  // namespace millrace::flow
