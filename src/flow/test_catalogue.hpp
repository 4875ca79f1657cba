#pragma once

#include "component/action.hpp"
#include "flow/load.hpp"

namespace millrace::flow {

/// A small catalogue for this folder's tests: webhook.receive, timer.tick, http.poll, jsonata.transform, http.request,
/// test.fields (one field of every type).
inline component::Catalogue test_catalogue() {
  using component::Descriptor;
  using component::Field;
  using Type = Field::Type;
  const auto function = [](std::string component, std::string name, Descriptor::Kind kind, std::vector<Field> fields) {
    Descriptor it;
    it.component = std::move(component);
    it.name = std::move(name);
    it.kind = kind;
    it.summary = "Does something.";
    it.fields = std::move(fields);
    return component::Function{std::move(it), nullptr};
  };
  const std::vector<Field> webhook = {
      {.name = "path", .summary = "Path below the address.", .required = true},
      {.name = "methods", .type = Type::list, .summary = "A field.", .default_json = R"(["POST"])"},
      {.name = "auth",
       .type = Type::choice,
       .summary = "A field.",
       .default_json = R"("none")",
       .choices = {"none", "basic", "bearer"}},
      {.name = "body_max", .type = Type::size, .summary = "A field.", .default_json = R"("10MB")", .minimum = 1}};
  const std::vector<Field> transform = {
      {.name = "expression", .type = Type::expression, .summary = "A field.", .required = true}};
  const std::vector<Field> request = {{.name = "url", .summary = "Where to.", .required = true, .templated = true},
                                      {.name = "method",
                                       .type = Type::choice,
                                       .summary = "A field.",
                                       .default_json = R"("GET")",
                                       .choices = {"GET", "POST", "PUT", "DELETE"}},
                                      {.name = "headers", .type = Type::text_map, .summary = "A field."},
                                      {.name = "timeout",
                                       .type = Type::duration,
                                       .summary = "A field.",
                                       .default_json = R"("30s")",
                                       .minimum = 1,
                                       .maximum = 3600}};
  const std::vector<Field> every_type = {
      {.name = "text", .summary = "A field.", .maximum = 20},
      {.name = "integer", .type = Type::integer, .summary = "A field.", .minimum = 1, .maximum = 10},
      {.name = "number", .type = Type::number, .summary = "A field."},
      {.name = "boolean", .type = Type::boolean, .summary = "A field."},
      {.name = "duration", .type = Type::duration, .summary = "A field.", .minimum = 1},
      {.name = "size", .type = Type::size, .summary = "A field.", .maximum = 1000},
      {.name = "expression", .type = Type::expression, .summary = "A field."},
      {.name = "secret", .type = Type::secret, .summary = "A field."},
      {.name = "choice", .type = Type::choice, .summary = "A field.", .choices = {"red", "green"}},
      {.name = "object",
       .type = Type::object,
       .summary = "A field.",
       .fields = {{.name = "user", .summary = "A field.", .required = true},
                  {.name = "wait", .type = Type::duration, .summary = "A field.", .default_json = "2"}}},
      {.name = "free", .type = Type::object, .summary = "A field."},
      {.name = "text_map", .type = Type::text_map, .summary = "A field.", .templated = true},
      {.name = "list", .type = Type::list, .summary = "A field.", .maximum = 2},
      {.name = "any", .type = Type::any, .summary = "A field."}};
  return component::Catalogue(
      {function("webhook", "receive", Descriptor::Kind::webhook_trigger, webhook),
       function("timer", "tick", Descriptor::Kind::timer_trigger,
                {{.name = "every", .type = Type::duration, .summary = "A field.", .required = true}}),
       function("http", "poll", Descriptor::Kind::polling_trigger,
                {{.name = "every", .type = Type::duration, .summary = "A field.", .required = true}}),
       function("jsonata", "transform", Descriptor::Kind::action, transform),
       function("http", "request", Descriptor::Kind::action, request),
       function("test", "fields", Descriptor::Kind::action, every_type)});
}

/// Variables of the tests: CMS_URL, PORT, EMPTY, TRICKY (a value that is YAML syntax).
inline std::optional<std::string> test_variable(std::string_view name) {
  if (name == "CMS_URL") return "https://cms.example.com";
  if (name == "PORT") return "7";
  if (name == "EMPTY") return "";
  if (name == "TRICKY") return "x\nevil: ${PORT} \" } #";
  return std::nullopt;
}

/// Every problem of the text, one a line; the file is called f.yaml.
inline std::string problems_of(std::string_view text, const std::string& file = "f.yaml") {
  const auto flows = load_text(text, file, test_catalogue(), test_variable);
  std::string out;
  if (flows) return out;
  for (const Problem& problem : flows.error()) out += problem.to_string() + "\n";
  return out;
}

/// The same of a flow whose first three lines are a good trigger named t; `steps` begin in line 4.
inline std::string problems_of_step(std::string_view steps) {
  return problems_of("name: a\nsteps:\n  - { id: t, trigger: timer.tick, config: { every: 1m } }\n" +
                     std::string(steps));
}

}  // namespace millrace::flow
