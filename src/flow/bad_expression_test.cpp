#include <doctest/doctest.h>

#include "flow/test_catalogue.hpp"

namespace millrace::flow {
namespace {

/// Checks a problem's place and field and the engine's code; its sentence is the engine's own.
void check_fault(const std::string& steps, const std::string& place, const std::string& code) {
  const std::string problem = problems_of_step(steps);
  CAPTURE(problem);
  CHECK(problem.starts_with("f.yaml:" + place + ": not valid JSONata: "));
  CHECK(problem.ends_with(" (" + code + ")\n"));
}

}  // namespace

TEST_CASE("bad JSONata is told at its place in the file, in scalars of every style") {
  const std::string head = "  - id: s\n    action: test.fields\n    after: t\n";
  check_fault(head + "    when: body.a = = 2\n", "7:20: steps[1].when", "S0211");
  check_fault(head + "    input: |\n      { \"ä\": body.a,\n        \"b\": ) }\n", "9:14: steps[1].input", "S0211");
  check_fault(head + "    config: { expression: \"body.\\\"a\\\" & )\" }\n", "7:41: steps[1].config.expression",
              "S0211");
  check_fault(head + "    config:\n      expression: >\n        body.a\n        & & b\n",
              "10:11: steps[1].config.expression", "S0211");
  check_fault(head + "    when: |\n      \"abc\n", "8:11: steps[1].when", "S0101");
}

TEST_CASE("a function that JSONata does not have is told with the nearest") {
  CHECK(problems_of_step("  - { id: s, action: test.fields, after: t, when: \"$lowercse(body.a) = $cursor\" }\n") ==
        "f.yaml:4:52: steps[1].when: JSONata has no function $lowercse (did you mean \"$lowercase\"?)\n");
}

TEST_CASE("an expression must be text") {
  CHECK(problems_of_step("  - { id: s, action: test.fields, after: t, input: { \"to\": x } }\n") ==
        "f.yaml:4:52: steps[1].input: must be a JSONata expression as text, but is a mapping (write \"|\" after the "
        "colon and the expression on the next lines, indented)\n");
}

TEST_CASE("templates are compiled, each at its place") {
  check_fault("  - { id: s, action: http.request, after: t, config: { url: \"${CMS_URL}/{{ body. }}\" } }\n",
              "4:81: steps[1].config.url", "S0207");
  CHECK(problems_of_step("  - { id: s, action: test.fields, after: t, config: { text_map: { a: \"x{{ body\" } } }\n") ==
        "f.yaml:4:72: steps[1].config.text_map.a: \"{{\" has no closing \"}}\" (close the template)\n");
  CHECK(problems_of_step("  - { id: s, action: test.fields, after: t, config: { text: \"{{ ) }}\" } }\n") == "");
}

TEST_CASE("ordered_by is an expression over the message alone, of a step whose action is known") {
  check_fault("  - id: s\n    action: test.fields\n    after: t\n    ordered_by: body.a = = 2\n",
              "7:26: steps[1].ordered_by", "S0211");
  for (const std::string name : {"$now()", "$millis()", "$random()", "$env.A", "$execution", "$eval('1')"}) {
    CAPTURE(name);
    const auto problem =
        problems_of_step("  - { id: s, action: test.fields, after: t, ordered_by: \"[body.a, " + name + "]\" }\n");
    CHECK(problem.starts_with("f.yaml:4:57: steps[1].ordered_by: " + name.substr(0, name.find_first_of("(.")) +
                              " cannot be part of a key (make the key from the message alone"));
  }
  CHECK(problems_of_step("  - { id: s, action: their.own, image: x, driver: docker, after: t, ordered_by: body.a }\n")
            .find("their.own is known to its image only") != std::string::npos);
  CHECK(problems_of_step("  - { id: s, action: test.fields, after: t, ordered_by: body.a }\n") == "");
}

}  // namespace millrace::flow
