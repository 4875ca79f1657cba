#include "flow/load.hpp"

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "flow/test_catalogue.hpp"

namespace millrace::flow {
namespace {

const std::string web_form = R"(name: web-form-to-cms
steps:
  - id: form
    trigger: webhook.receive
    config: { path: register-interest }
  - id: shape
    action: jsonata.transform
    after: form
    config:
      expression: |
        { "title": "Interest: " & body.company, "contact": $lowercase(body.email), "products": body.products[stock > 0].name }
  - id: publish
    action: http.request
    after: shape
    instances: 2
    concurrency: 3
    config: { method: POST, url: "${CMS_URL}/posts" }
    retry: { initial: 1s, factor: 2, max: 5m, attempts: 20 }
  - id: notify
    action: test.fields
    after: [publish, shape]
    input: |                                # a mapping
      { "to": "team@example.com", "text": "Published as " & body.id }
    config: { text: hello }
)";

Flow load_one(std::string_view text) {
  auto flows = load_text(text, "flow.yaml", test_catalogue(), test_variable);
  if (!flows) {
    for (const Problem& problem : flows.error()) MESSAGE(problem.to_string());
  }
  REQUIRE(flows);
  REQUIRE(flows->size() == 1);
  return std::move(flows->front());
}

/// The config of the second step of a flow around it.
std::string config_of(const std::string& yaml) {
  const Flow flow = load_one(
      "name: a\nsteps:\n"
      "  - { id: t, trigger: timer.tick, config: { every: 1m } }\n"
      "  - id: s\n    action: test.fields\n    after: t\n    config:\n" +
      yaml);
  return boost::json::serialize(flow.steps[1].config);
}

}  // namespace

TEST_CASE("the example of the documentation loads, complete with defaults") {
  const Flow flow = load_one(web_form);
  CHECK(flow.name == "web-form-to-cms");
  CHECK(flow.trigger().id == "form");
  CHECK(flow.successors("shape") == std::vector<std::string>{"publish", "notify"});
  CHECK(!flow.passthrough);
  const Step& form = *flow.find("form");
  CHECK(boost::json::serialize(form.config) ==
        R"({"path":"register-interest","methods":["POST"],"auth":"none","body_max":10000000})");
  const Step& publish = *flow.find("publish");
  CHECK(boost::json::serialize(publish.config) ==
        R"({"url":"https://cms.example.com/posts","method":"POST","timeout":30000})");
  CHECK(publish.instances == flow::Instances{2, 2, 0});
  CHECK(publish.concurrency == 3);
  CHECK(publish.retry.initial == std::chrono::seconds(1));
  CHECK(publish.retry.max == std::chrono::minutes(5));
  CHECK(publish.retry.attempts == 20);
  CHECK(publish.at.line == 12);
  const Step& notify = *flow.find("notify");
  REQUIRE(notify.input);
  CHECK(notify.input->source == "{ \"to\": \"team@example.com\", \"text\": \"Published as \" & body.id }\n");
  CHECK(notify.input->at.line == 23);
  CHECK(notify.input->at.column == 7);
}

TEST_CASE("JSON is read like YAML, surrogate pairs and tabs included") {
  const Flow flow = load_one(
      "{\"$schema\":\"x\",\"name\":\"a\",\n\t\"steps\":[{\"id\":\"t\",\"trigger\":\"timer.tick\",\"config\":{\"every\":"
      "60}},\n"
      "\t\t{\"id\":\"s\",\"action\":\"test.fields\",\"after\":[\"t\"],\"config\":"
      "{\"text\":\"\\ud83d\\ude00 \\u00e4\\/\",\"any\":{\"a\":[1,2.5,null,true,\"x\"]}}}]}");
  CHECK(boost::json::serialize(flow.steps[0].config) == R"({"every":60000})");
  CHECK(boost::json::serialize(flow.steps[1].config) == R"({"text":"😀 ä/","any":{"a":[1,2.5E0,null,true,"x"]}})");
}

TEST_CASE("several documents of a file are several flows") {
  const std::string one =
      "name: NAME\nsteps:\n  - { id: t, trigger: timer.tick, config: { every: 1m } }\n"
      "  - { id: s, action: test.fields, after: t }\n";
  const auto named = [&](const std::string& name) { return std::string(one).replace(one.find("NAME"), 4, name); };
  const auto flows =
      load_text("---\n" + named("a") + "---\n" + named("b") + "---\n", "f.yaml", test_catalogue(), test_variable);
  REQUIRE(flows);
  REQUIRE(flows->size() == 2);
  CHECK((*flows)[0].name == "a");
  CHECK((*flows)[1].name == "b");
  CHECK((*flows)[1].at.line == 7);
}

TEST_CASE("values come in the form that components read") {
  CHECK(config_of("      duration: 1h30m\n      size: 1kB\n      number: 5\n") ==
        R"({"number":5,"duration":5400000,"size":1000})");
  CHECK(config_of("      object: { user: me }\n") == R"({"object":{"user":"me","wait":2000}})");
  CHECK(config_of("      text: 007\n      list: [a, 1.50]\n      text_map: { port: 25 }\n") ==
        R"({"text":"007","text_map":{"port":"25"},"list":["a","1.50"]})");
  CHECK(config_of("      list: one\n      boolean: true\n") == R"({"boolean":true,"list":["one"]})");
  CHECK(config_of("      free: { a: { b: [~, 0x10, 1e3, yes, 'no'] } }\n") ==
        R"({"free":{"a":{"b":[null,16,1E3,"yes","no"]}}})");
}

TEST_CASE("variables are data: they are not read as YAML, nor searched for variables, and take the wanted type") {
  CHECK(config_of("      any: \"${TRICKY}\"\n") == R"({"any":"x\nevil: ${PORT} \" } #"})");
  CHECK(config_of("      any: ${TRICKY}\n") == R"({"any":"x\nevil: ${PORT} \" } #"})");
  CHECK(config_of("      integer: ${PORT}\n      text: ${PORT}\n      duration: ${PORT}m\n") ==
        R"({"text":"7","integer":7,"duration":420000})");
  CHECK(config_of("      text: ${NOT_SET:-fallback}\n      secret: ${EMPTY:-x}${EMPTY}\n") ==
        R"({"text":"fallback","secret":"x"})");
  CHECK(config_of("      text: $${PORT} costs $5\n") == R"({"text":"${PORT} costs $5"})");
  CHECK(config_of("      list: [\"${PORT}\"]\n      text_map: { a: \"${PORT}\" }\n") ==
        R"({"text_map":{"a":"7"},"list":["7"]})");
}

TEST_CASE("an expression is taken as it stands, without variables") {
  CHECK(config_of("      expression: '\"${PORT}\"'\n") == R"({"expression":"\"${PORT}\""})");
}

TEST_CASE("a flow carries passthrough on when a mapping or a template reads it") {
  const auto passes = [](const std::string& line) {
    return load_one(
               "name: a\nsteps:\n  - { id: t, trigger: timer.tick, config: { every: 1m } }\n"
               "  - id: s\n    action: test.fields\n    after: t\n    " +
               line + "\n")
        .passthrough;
  };
  CHECK(passes("when: passthrough.t.body.x = 1"));
  CHECK(passes("config: { expression: passthrough.t }"));
  CHECK(passes("config: { any: \"{{ passthrough.t.body }}\" }"));
  CHECK(!passes("config: { text: passthrough }"));
  CHECK(!passes("when: body.x = 1"));
}

TEST_CASE("an anchor's value stands in for its aliases") {
  CHECK(config_of("      text_map: &m { a: b }\n      free: *m\n") == R"({"free":{"a":"b"},"text_map":{"a":"b"}})");
}

}  // namespace millrace::flow
