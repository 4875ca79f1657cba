#include <doctest/doctest.h>

#include "flow/test_catalogue.hpp"

namespace millrace::flow {
namespace {

/// Problems of one more line in the config of test.fields; it stands in line 8, its value begins in column 8 + key.
std::string problems_of_config(const std::string& lines) {
  return problems_of_step("  - id: s\n    action: test.fields\n    after: t\n    config:\n      " + lines + "\n");
}

}  // namespace

TEST_CASE("a value of the wrong type is told with what is wanted") {
  CHECK(problems_of_config("text: true") ==
        "f.yaml:8:13: steps[1].config.text: must be text, but is the boolean true (put it in quotes: \"true\")\n");
  CHECK(problems_of_config("text:") ==
        "f.yaml:8:7: steps[1].config.text: is empty, but must be text (give it a value, or leave the field out)\n");
  CHECK(problems_of_config("text: [a]") == "f.yaml:8:13: steps[1].config.text: must be text, but is a list\n");
  CHECK(problems_of_config("integer: \"5\"") ==
        "f.yaml:8:16: steps[1].config.integer: must be a whole number, but is text (remove the quotes)\n");
  CHECK(problems_of_config("integer: 1.5") ==
        "f.yaml:8:16: steps[1].config.integer: must be a whole number, but is the number 1.5\n");
  CHECK(problems_of_config("number: lots") == "f.yaml:8:15: steps[1].config.number: must be a number, but is text\n");
  CHECK(problems_of_config("boolean: yes") ==
        "f.yaml:8:16: steps[1].config.boolean: must be true or false, but is text (write true or false)\n");
  CHECK(problems_of_config("list: { a: b }") ==
        "f.yaml:8:13: steps[1].config.list: must be a list of text, but is a mapping\n");
  CHECK(problems_of_config("text_map: { a: no, b: false }") ==
        "f.yaml:8:29: steps[1].config.text_map.b: must be text, but is the boolean false (put it in quotes: "
        "\"false\")\n");
  CHECK(problems_of_config("text_map: [a]") ==
        "f.yaml:8:17: steps[1].config.text_map: must be a mapping of names to text, but is a list\n");
  CHECK(problems_of_config("object: x") == "f.yaml:8:15: steps[1].config.object: must be a mapping, but is text\n");
  CHECK(problems_of_step("  - { id: s, action: test.fields, after: t, config: x }\n") ==
        "f.yaml:4:53: steps[1].config: must be a mapping of the fields of test.fields, but is text\n");
}

TEST_CASE("a value out of its bounds is told with the bounds") {
  CHECK(problems_of_config("integer: 11") ==
        "f.yaml:8:16: steps[1].config.integer: must be between 1 and 10, but is 11\n");
  CHECK(problems_of_config("integer: 99999999999999999999") ==
        "f.yaml:8:16: steps[1].config.integer: must be a whole number of at most 64 bits, but is the number "
        "99999999999999999999\n");
  CHECK(problems_of_config("text: \"123456789012345678901\"") ==
        "f.yaml:8:13: steps[1].config.text: its length must be at most 20, but is 21\n");
  CHECK(problems_of_config("duration: 10ms") ==
        "f.yaml:8:17: steps[1].config.duration: must be at least 1s, but is 0.01s\n");
  CHECK(problems_of_config("size: 1MB") ==
        "f.yaml:8:13: steps[1].config.size: must be at most 1000 bytes, but is "
        "1000000 bytes\n");
  CHECK(problems_of_config("list: [a, b, c]") ==
        "f.yaml:8:13: steps[1].config.list: must have at most 2 entries, but is 3 entries\n");
}

TEST_CASE("malformed durations, sizes and choices are told with the form that is wanted") {
  CHECK(problems_of_config("duration: 5 minutes") ==
        "f.yaml:8:17: steps[1].config.duration: \"5 minutes\" is not a duration (write 30s, 5m, 1h30m, or a number of "
        "seconds)\n");
  CHECK(problems_of_config("duration: -1") ==
        "f.yaml:8:17: steps[1].config.duration: \"-1\" is not a duration (write 30s, 5m, 1h30m, or a number of "
        "seconds)\n");
  CHECK(problems_of_config("size: big") ==
        "f.yaml:8:13: steps[1].config.size: \"big\" is not a size (write 64KiB, 10MB, or a number of bytes)\n");
  CHECK(problems_of_config("choice: grene") ==
        "f.yaml:8:15: steps[1].config.choice: \"grene\" is none of: red, green (did you mean \"green\"?)\n");
}

TEST_CASE("unknown, repeated and missing fields of a config, also inside objects") {
  CHECK(problems_of_config("txt: a\n      object: { usr: a }\n      text: a\n      text: b") ==
        "f.yaml:8:7: steps[1].config.txt: unknown field (did you mean \"text\"?)\n"
        "f.yaml:9:15: steps[1].config.object.user: missing (add \"user\": A field.)\n"
        "f.yaml:9:17: steps[1].config.object.usr: unknown field (did you mean \"user\"?)\n"
        "f.yaml:11:7: steps[1].config.text: stands here a second time, first in line 10 (keep one of them)\n");
  CHECK(problems_of_config("any: { a: { b: 1, b: 2 } }") ==
        "f.yaml:8:25: steps[1].config.any.a.b: stands here a second time, first in line 8 (keep one of them)\n");
  CHECK(problems_of_step("  - { id: s, action: http.request, after: t }\n") ==
        "f.yaml:4:5: steps[1].config.url: missing (add \"url\": Where to.)\n");
}

TEST_CASE("a variable that is not set is named, with its place and the mend") {
  CHECK(problems_of_config("text: \"ä/${NOPE}\"") ==
        "f.yaml:8:16: steps[1].config.text: the variable NOPE is not set (set NOPE in the environment or in the "
        "--env-file, or write ${NOPE:-value})\n");
  CHECK(problems_of_config("any: { a: [ \"${NOPE}\" ] }") ==
        "f.yaml:8:20: steps[1].config.any.a[0]: the variable NOPE is not set (set NOPE in the environment or in the "
        "--env-file, or write ${NOPE:-value})\n");
  CHECK(
      problems_of_config("text: ${a b}") ==
      "f.yaml:8:13: steps[1].config.text: \"${a b}\" does not name a variable (write ${NAME} with letters, digits and "
      "_; write $${ for the text ${)\n");
  CHECK(problems_of_config("text: x${PORT") ==
        "f.yaml:8:14: steps[1].config.text: \"${\" has no closing \"}\" (close it, or write $${ for the text ${)\n");
}

TEST_CASE("a value from a variable never shows in a problem: it may be a secret") {
  CHECK(problems_of_config("duration: ${CMS_URL}") ==
        "f.yaml:8:17: steps[1].config.duration: \"${CMS_URL}\" is not a duration (write 30s, 5m, 1h30m, or a number of "
        "seconds)\n");
  CHECK(problems_of_config("choice: ${CMS_URL}") ==
        "f.yaml:8:15: steps[1].config.choice: \"${CMS_URL}\" is none of: red, green\n");
}

TEST_CASE("instances and retry are bounded and belong to steps with workers") {
  CHECK(problems_of_step("  - id: s\n    action: test.fields\n    after: t\n    instances: 65\n"
                         "    retry: { initial: soon, factor: 0.5, max: 5m, attempts: 0, limit: 3 }\n") ==
        "f.yaml:7:16: steps[1].instances: must be between 1 and 64, but is 65\n"
        "f.yaml:8:23: steps[1].retry.initial: \"soon\" is not a duration (write 30s, 5m, 1h30m, or a number of "
        "seconds)\n"
        "f.yaml:8:37: steps[1].retry.factor: must be between 1 and 1000, but is 0.5\n"
        "f.yaml:8:61: steps[1].retry.attempts: must be between 1 and 1000, but is 0\n"
        "f.yaml:8:64: steps[1].retry.limit: unknown field (known: initial, factor, max, attempts, delays)\n");
  CHECK(problems_of_step("  - { id: s, action: test.fields, after: t, retry: { initial: 10m, max: 5m } }\n") ==
        "f.yaml:4:73: steps[1].retry.max: is shorter than \"initial\" (the longest delay cannot be below the first)\n");
  CHECK(problems_of("name: a\nsteps:\n  - { id: t, trigger: timer.tick, config: { every: 5 }, instances: 2, retry: {}, "
                    "when: x }\n  - { id: s, action: test.fields, after: t }\n") ==
        "f.yaml:3:68: steps[0].instances: a trigger runs once, for it alone keeps the position at its source (put "
        "\"instances\" into the actions after it)\n"
        "f.yaml:3:78: steps[0].retry: timer.tick has nothing to retry (put \"retry\" into the actions after it)\n"
        "f.yaml:3:88: steps[0].when: a trigger has no incoming message to apply this to (put it into the steps after "
        "it)\n");
}

TEST_CASE("a range of instances has a most, which is not below the least, and a target that can be reached") {
  const auto step = [](const std::string& instances) {
    return problems_of_step("  - id: s\n    action: test.fields\n    after: t\n    instances: " + instances + "\n");
  };
  CHECK(step("{ min: 5, max: 2, target_backlog: 10 }") ==
        "f.yaml:7:23: steps[1].instances.min: is 5, more than \"max\", 2 (the fewest cannot be more than the most)\n");
  CHECK(step("{ min: 1, max: 2, target_backlog: 0 }") ==
        "f.yaml:7:50: steps[1].instances.target_backlog: must be between 1 and 1000000, but is 0\n");
  CHECK(step("{ min: 1, target: 3 }") ==
        "f.yaml:7:16: steps[1].instances.max: missing (say how many instances there may be at most)\n"
        "f.yaml:7:26: steps[1].instances.target: unknown field (known: min, max, target_backlog)\n");
}

TEST_CASE("a retry schedule is one that there is, or a list of delays and nothing beside it") {
  const auto step = [](const std::string& retry) {
    return problems_of_step("  - id: s\n    action: test.fields\n    after: t\n    retry: " + retry + "\n");
  };
  CHECK(step("standard-webhook") ==
        "f.yaml:7:12: steps[1].retry: there is no retry schedule \"standard-webhook\" (write { initial: 1s, factor: 2, "
        "max: 5m, attempts: 20 }, or \"standard-webhooks\")\n");
  CHECK(step("{ delays: [], attempts: 2 }") ==
        "f.yaml:7:22: steps[1].retry.delays: must be a list of 1 to 999 durations (write [5s, 5m, 30m, 2h])\n"
        "f.yaml:7:36: steps[1].retry.attempts: stands beside \"delays\", which says it all (keep one of them)\n");
  CHECK(step("{ delays: [5s, soon] }") ==
        "f.yaml:7:27: steps[1].retry.delays[1]: \"soon\" is not a duration (write 30s, 5m, 1h30m, or a number of "
        "seconds)\n");
}

}  // namespace millrace::flow
