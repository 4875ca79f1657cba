#include "flow_tests/file/read_file.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "flow_tests/file/readers.hpp"
#include "flow_tests/file/schema.hpp"
#include "flow_tests/from_text.hpp"

using namespace millrace;
using flow_tests::from_text::problems;

namespace {

const std::string one_flow = R"(
name: f
steps:
  - { id: form, trigger: webhook.receive, config: { path: f } }
  - { id: shape, action: jsonata.transform, after: form, config: { expression: body } }
)";

/// A file with one case, whose fields but the name are these.
std::string case_of(const std::string& fields) {
  return "cases:\n  - name: one\n    " + fields + "\n";
}

}  // namespace

TEST_CASE("what is wrong with a test file is told with place, field and mend, all of it together") {
  CHECK(problems("casses: []\nenv: 3\n") ==
        "t.yaml:2:6: env: must be a mapping of names to text, but is the number 3\n"
        "t.yaml:1:1: casses: unknown field (did you mean \"cases\"?)\n"
        "t.yaml:1:1: cases: missing (add \"cases\": each with name, given and expect)\n");
  CHECK(problems("cases:\n  - given: []\n    expct: {}\n") ==
        "t.yaml:2:5: cases[0].name: missing (add \"name\": a sentence that says what holds)\n"
        "t.yaml:2:5: cases[0].expect: missing (add \"expect\": what must come of it)\n"
        "t.yaml:3:5: cases[0].expct: unknown field (did you mean \"expect\"?)\n");
  CHECK(problems("[1]") == "t.yaml: must be one mapping with \"cases\" (see docs/flow-tests.md)\n");
  CHECK(problems("cases: [\n").starts_with("t.yaml:"));
}

TEST_CASE("stubs name what is wrong in them") {
  const auto stub = [](const std::string& text) {
    return problems(case_of("given: []\n    expect: {}\n    stubs:\n      - " + text));
  };
  CHECK(stub("http: GET http://a.test") == "");
  CHECK(stub("{}").find("must have \"http\" or \"smtp\"") != std::string::npos);
  CHECK(stub("{ http: GET a b }").find("\"GET a b\" is no pattern of a URL") != std::string::npos);
  CHECK(stub("{ http: '*', answer: refusd }") ==
        "t.yaml:6:30: cases[0].stubs[0].answer: \"refusd\" is none of: refused, timeout, untrusted (did you mean "
        "\"refused\"?)\n");
  CHECK(stub("{ http: '*', answer: { status: 999 } }").find("must be between 100 and 599") != std::string::npos);
  CHECK(stub("{ http: '*', answer: { body: 1, text: a } }").find("more than one of body, text") != std::string::npos);
  CHECK(stub("{ http: '*', answer: 200, answers: [200] }").find("stands beside \"answer\"") != std::string::npos);
  CHECK(stub("{ smtp: '*', answer: { status: 250 } }").find("answer.status: unknown field") != std::string::npos);
  CHECK(stub("{ http: '*', answer: { after: soon } }").find("\"soon\" is not a duration") != std::string::npos);
  CHECK(stub("{ step: a, output: body }") == "");
  CHECK(stub("{ output: body }").find("stubs[0].step: missing") != std::string::npos);
  CHECK(stub("{ step: a, output: 'body.(' }").find("not valid JSONata") != std::string::npos);
  CHECK(stub("{ http: '*', that: 'body.(' }").find("not valid JSONata") != std::string::npos);
}

TEST_CASE("what is given and expected names what is wrong in it") {
  const auto given = [](const std::string& text) { return problems(case_of("expect: {}\n    given: [" + text + "]")); };
  CHECK(given("{ at: 1s }").find("must have one of webhook, ticks and message") != std::string::npos);
  CHECK(given("{ ticks: {} }").find("must have \"for\" or \"count\"") != std::string::npos);
  CHECK(given("{ webhook: { bdy: 1 } }").find("did you mean \"body\"?") != std::string::npos);
  CHECK(given("{ message: {} }").find("given[0].message.step: missing") != std::string::npos);
  CHECK(given("{ webhook: { base64: '*' } }").find("is not base64") != std::string::npos);
  const auto expect = [](const std::string& text) { return problems(case_of("given: []\n    expect: " + text)); };
  CHECK(expect("{ steps: { a: { outputs: { body: 1 } } } }").find("must be a list, or how many") != std::string::npos);
  CHECK(expect("{ steps: { a: { outptus: 1 } } }").find("did you mean \"outputs\"?") != std::string::npos);
  CHECK(expect("{ steps: { a: { mails: [{ subjekt: a }] } } }").find("did you mean \"subject\"?") != std::string::npos);
  CHECK(expect("{ that: '$cuont(a)' }").find("did you mean \"$count\"?") != std::string::npos);
  CHECK(expect("{ elapsed: long }").find("\"long\" is not a duration") != std::string::npos);
}

TEST_CASE("what does not fit the flow is told as well") {
  CHECK(
      problems(case_of("given: [{ ticks: 1 }, { message: { step: shap } }]\n"
                       "    expect: { steps: { shpe: {}, form: {} } }"),
               one_flow) ==
      "t.yaml:3:13: cases[0].given[0].ticks: the flow's trigger is webhook.receive (give it a webhook)\n"
      "t.yaml:3:27: cases[0].given[1].message.step: the flow f has no step \"shap\" (did you mean \"shape\"?)\n"
      "t.yaml:4:30: cases[0].expect.steps.shpe: the flow f has no step \"shpe\" (did you mean \"shape\"?)\n"
      "t.yaml:4:40: cases[0].expect.steps.form: \"form\" is run by the platform itself (expect the inputs of the step "
      "after it: shape: { inputs: … })\n");
}

TEST_CASE("variables of the file stand for their values in it") {
  const auto catalogue = components::make_catalogue();
  const auto file =
      flow_tests::read_test_file("env: { A: x }\nstarts_at: 2026-03-01T08:00:00Z\n" +
                                     case_of("given: []\n    expect: {}\n    stubs: [{ http: 'GET http://${A}/' }]"),
                                 "t.yaml", catalogue, flow_tests::from_text::no_variable);
  REQUIRE(file);
  CHECK(file->cases.at(0).stubs.at(0).url == "http://x/");
  CHECK(file->cases.at(0).starts_at == std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + std::chrono::hours(8));
  CHECK(problems(case_of("given: []\n    expect: {}\n    stubs: [{ http: 'GET http://${B}/' }]"))
            .find("the variable B is not set") != std::string::npos);
}

TEST_CASE("the schema has every field that the reader knows") {
  const auto schema = boost::json::parse(flow_tests::test_file_schema());
  const auto has = [&](const char* def, const flow_tests::Names& names) {
    const auto& properties = schema.at_pointer(def).as_object();
    for (const auto& name : names) CHECK_MESSAGE(properties.contains(name), name);
    CHECK(properties.size() == names.size());
  };
  has("/$defs/http_answer/anyOf/2/properties", flow_tests::answer_fields(flow_tests::Stub::Kind::http));
  has("/$defs/smtp_answer/anyOf/2/properties", flow_tests::answer_fields(flow_tests::Stub::Kind::smtp));
  has("/$defs/step/properties", flow_tests::step_fields());
  const std::string given = "/properties/cases/items/properties/given/items/properties/";
  has((given + "webhook/properties").c_str(), flow_tests::request_fields());
  has((given + "message/properties").c_str(), flow_tests::step_message_fields());
}
