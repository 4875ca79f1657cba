#include "flow_tests/file/schema.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "flow/field_schema.hpp"
#include "flow/pretty_json.hpp"
#include "flow_tests/file/readers.hpp"

namespace millrace::flow_tests {
namespace {

using boost::json::array;
using boost::json::object;
using Type = PartField::Type;

object described(object schema, std::string_view description) {
  schema["description"] = description;
  return schema;
}

object ref(std::string_view name) {
  return {{"$ref", "#/$defs/" + std::string(name)}};
}

object text() {
  return {{"type", array{"string", "number"}}};
}

object texts() {
  return {{"type", "object"}, {"additionalProperties", text()}};
}

object integer(std::int64_t min, std::int64_t max) {
  return {{"anyOf", array{object{{"type", "integer"}, {"minimum", min}, {"maximum", max}}, ref("variable")}}};
}

object mapping(object properties, array required = {}) {
  object schema{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

object list(object items) {
  return {{"type", "array"}, {"items", std::move(items)}};
}

object type_schema(const PartField& part) {
  switch (part.type) {
    case Type::text:
      return text();
    case Type::integer:
      return integer(0, 1'000'000);
    case Type::mapping:
      return {{"type", "object"}};
    case Type::headers:
      return texts();
    case Type::list:
      return {{"type", array{"array", "string"}}};
    case Type::any:
      return {};
  }
  return {};
}

object condition(std::string_view over) {
  return {{"description", "JSONata over " + std::string(over) + " that must be true."}, {"type", "string"}};
}

object part_properties(const Parts& parts, std::string_view of_what) {
  object properties;
  for (const auto& part : parts) properties[part.field] = described(type_schema(part), part.summary);
  properties["that"] = condition(of_what);
  return properties;
}

/// How many, or each of them.
object things(const Parts& parts, std::string_view of_what, std::string_view description) {
  return described({{"anyOf", array{integer(0, 10'000'000), list(mapping(part_properties(parts, of_what)))}}},
                   description);
}

object common_answer_properties() {
  return {{"after", described(ref("duration"), "Virtual time until the answer comes.")},
          {"times", described(integer(1, 1'000'000), "So often, then the next answer.")},
          {"until", described(ref("duration"), "Until so long after the case began, then the next answer.")}};
}

object http_answer() {
  auto properties = common_answer_properties();
  properties["fault"] = described({{"enum", array{"refused", "timeout", "untrusted"}}}, "Instead of an answer.");
  properties["status"] = described(integer(100, 599), "HTTP status; 200 by default.");
  properties["headers"] = described(texts(), "Headers of the answer.");
  properties["body"] = object{{"description", "Any JSON, sent as application/json."}};
  properties["text"] = described(text(), "A body as it stands.");
  properties["base64"] = described({{"type", "string"}}, "A body of any bytes.");
  properties["body_from"] = described(
      {{"type", "string"}}, "JSONata over the request (method, url, query, headers, body): the body as JSON.");
  return {{"anyOf",
           array{object{{"enum", array{"refused", "timeout", "untrusted"}}},
                 object{{"type", "integer"}, {"minimum", 100}, {"maximum", 599}}, mapping(std::move(properties))}}};
}

object smtp_answer() {
  auto properties = common_answer_properties();
  const array faults{"refused", "timeout", "untrusted", "login"};
  properties["fault"] = described({{"enum", faults}}, "Instead of an answer.");
  properties["reply"] = described(integer(200, 599), "SMTP reply code; 250 by default, 4xx: try later, 5xx: never.");
  properties["text"] = described(text(), "The reply's text.");
  return {{"anyOf",
           array{object{{"enum", array{"accepted", "refused", "timeout", "untrusted", "login"}}},
                 object{{"type", "integer"}, {"minimum", 200}, {"maximum", 599}}, mapping(std::move(properties))}}};
}

object stub(Stub::Kind kind) {
  const bool http = kind == Stub::Kind::http;
  auto properties = part_properties(http ? request_parts() : mail_parts(), http ? "the request" : "the mail");
  for (const auto* own : {"method", "url", "smtp", "answered"}) properties.erase(own);
  properties[http ? "http" : "smtp"] =
      described({{"type", "string"}}, http ? "METHOD URL of the requests that it answers; * stands for any run of "
                                             "characters, without METHOD any. Without ? the query does not matter."
                                           : "URL of the mail server; * stands for any run of characters.");
  properties["step"] = described({{"type", "string"}}, "Only what this step sends.");
  properties["answer"] = described(ref(http ? "http_answer" : "smtp_answer"), "The answer, each time.");
  properties["answers"] =
      described(list(ref(http ? "http_answer" : "smtp_answer")), "One after another; the last without end.");
  return mapping(std::move(properties), {http ? "http" : "smtp"});
}

object stand_in() {
  return mapping({{"step", described({{"type", "string"}}, "The step in whose action's place it stands.")},
                  {"output", described({{"type", "string"}}, "JSONata over the message: the body of its output.")}},
                 {"step", "output"});
}

object stubs(std::string_view description) {
  return described(list({{"anyOf", array{ref("http_stub"), ref("smtp_stub"), ref("stand_in")}}}), description);
}

object given_webhook() {
  return mapping(
      {{"method", described(text(), "By default the first that the webhook takes.")},
       {"query", described({{"anyOf", array{texts(), object{{"type", "string"}}}}}, "Query parameters.")},
       {"headers", described(texts(), "Request headers.")},
       {"body", object{{"description", "Any JSON, sent as application/json."}}},
       {"text", described(text(), "A body as it stands, as text/plain unless headers say otherwise.")},
       {"form", described(texts(), "Form fields, sent as application/x-www-form-urlencoded.")},
       {"base64", described({{"type", "string"}}, "A body of any bytes.")},
       {"authorized",
        described({{"type", "boolean"}}, "Whether the secret that the webhook asks for is added; it is by default.")}});
}

object given_message() {
  return mapping({{"step", described({{"type", "string"}}, "The action that gets it.")},
                  {"id", described(text(), "Its id; one is made by default.")},
                  {"execution", described(text(), "The execution's id; by default the message's.")},
                  {"body", object{{"description", "Any JSON."}}},
                  {"headers", object{{"type", "object"}}},
                  {"attachments", object{{"type", "object"}}},
                  {"passthrough", object{{"type", "object"}}}},
                 {"step"});
}

object given() {
  object ticks{{"anyOf", array{object{{"type", "integer"}, {"minimum", 1}},
                               mapping({{"for", described(ref("duration"), "All times of its schedule in that time.")},
                                        {"count", described(integer(1, 1'000'000), "So many times of it.")}})}}};
  auto schema =
      mapping({{"webhook", described(given_webhook(), "A request to the flow's webhook.")},
               {"ticks", described(std::move(ticks), "The trigger's schedule runs: so often, or for so long.")},
               {"message", described(given_message(), "A message that comes straight to one step.")},
               {"at", described(ref("duration"), "Virtual time since the case began; at once by default.")},
               {"times", described(integer(1, 100'000), "How often the same comes; once by default.")}});
  schema["oneOf"] = array{object{{"required", array{"webhook"}}}, object{{"required", array{"ticks"}}},
                          object{{"required", array{"message"}}}};
  return schema;
}

object expected_step() {
  object count = integer(0, 10'000'000);
  return mapping(
      {{"inputs", things(message_parts(), "the message", "What its action got, first tries only: how many, or each.")},
       {"outputs", things(message_parts(), "the message", "What it made: how many, or each, in order.")},
       {"filtered", described(count, "How many messages ended here because of `when:` or because nothing came out.")},
       {"attempts", described(count, "How often it tried, all its messages together.")},
       {"requests", things(request_parts(), "the request", "HTTP requests that it made: how many, or each.")},
       {"mails", things(mail_parts(), "the mail", "Mails that it sent: how many, or each.")},
       {"dead_letters",
        things(dead_letter_parts(), "the dead letter", "Messages that it could not process: how many, or each.")},
       {"snapshot", object{{"description", "Members of a polling trigger's snapshot at the end."}}},
       {"that", condition("all of these of the step")}});
}

object expect() {
  object elapsed{{"anyOf", array{ref("duration"), mapping({{"min", ref("duration")}, {"max", ref("duration")}})}}};
  return mapping(
      {{"answers", things(answer_parts(), "the answer", "What the webhook's callers were told, in order of `given`.")},
       {"steps", described({{"type", "object"}, {"additionalProperties", ref("step")}}, "By the step's id.")},
       {"dead_letters", things(dead_letter_parts(), "the dead letter",
                               "Of all steps; any that no expectation speaks of fails the case.")},
       {"elapsed", described(std::move(elapsed), "Virtual time from the beginning to the last thing that happened.")},
       {"that", condition("the whole run: answers, steps, dead_letters, elapsed_ms")}});
}

object case_schema() {
  return mapping(
      {{"name", described(text(), "A sentence that says what holds.")},
       {"starts_at", described({{"type", "string"}}, "When it begins in virtual time: 2026-03-01T08:00:00Z.")},
       {"stubs", stubs("Who answers requests and mails; before those of the file.")},
       {"given", described(list(given()), "What comes to the flow.")},
       {"expect", described(expect(), "What must come of it.")}},
      {"name", "given", "expect"});
}

}  // namespace

std::string test_file_schema() {
  auto schema = mapping({{"$schema", object{{"type", "string"}}},
                         {"flow", described({{"type", "string"}}, "The flow's name, where its file holds several.")},
                         {"env", described(texts(), "Values of ${NAME} in the flow file and in this one.")},
                         {"starts_at", described({{"type", "string"}}, "When cases begin: 2026-03-01T08:00:00Z.")},
                         {"stubs", stubs("Who answers requests and mails, for all cases.")},
                         {"cases", described(list(case_schema()), "Each is run by itself, on an empty platform.")}},
                        {"cases"});
  object whole{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
               {"title", "Millrace flow test"},
               {"description", "Tests of one flow. Made by `millrace flow schema --tests`; do not edit."}};
  for (auto& [key, value] : schema) whole[key] = std::move(value);
  object defs = flow::shared_field_schemas();
  defs.erase("size");
  defs["http_answer"] = http_answer();
  defs["smtp_answer"] = smtp_answer();
  defs["http_stub"] = stub(Stub::Kind::http);
  defs["smtp_stub"] = stub(Stub::Kind::smtp);
  defs["stand_in"] = stand_in();
  defs["step"] = expected_step();
  whole["$defs"] = std::move(defs);
  return flow::pretty_json(whole);
}

}  // namespace millrace::flow_tests
