#include "flow/schema.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "flow/draft.hpp"
#include "flow/field_schema.hpp"
#include "flow/pretty_json.hpp"
#include "flow/read_flow.hpp"
#include "flow/read_history.hpp"
#include "flow/running.hpp"

namespace millrace::flow {
namespace {

using boost::json::array;
using boost::json::object;
using component::Descriptor;
using component::Field;

object described(object schema, std::string_view description) {
  schema["description"] = description;
  return schema;
}

Field field(std::string name, Field::Type type, std::string summary) {
  Field it;
  it.name = std::move(name);
  it.type = type;
  it.summary = std::move(summary);
  return it;
}

/// The names of all triggers, or of all actions, each with what it does.
object function_names(const component::Catalogue& catalogue, bool triggers, std::string_view description) {
  array names;
  for (const auto& function : catalogue.all()) {
    const Descriptor& descriptor = function.descriptor;
    if (descriptor.is_trigger() != triggers) continue;
    names.push_back(
        described(object{{"const", descriptor.full_name()}, {"title", descriptor.title}}, descriptor.summary));
  }
  return object{{"description", description}, {"type", "string"}, {"anyOf", std::move(names)}};
}

object retry_schema() {
  Field factor = field("factor", Field::Type::number, "What each delay is multiplied by to make the next.");
  factor.minimum = 1;
  factor.maximum = 1'000;
  factor.default_json = "2";
  Field attempts = field("attempts", Field::Type::integer, "After so many tries the message is a dead letter.");
  attempts.minimum = 1;
  attempts.maximum = attempts_max;
  attempts.default_json = "20";
  Field initial = field("initial", Field::Type::duration, "The delay before the second try.");
  initial.default_json = "\"1s\"";
  Field max = field("max", Field::Type::duration, "The longest delay.");
  max.default_json = "\"5m\"";
  const object delay{{"$ref", "#/$defs/duration"}};
  object numbers = fields_schema({initial, factor, max, attempts});
  object list = described(
      object{{"type", "object"},
             {"required", array{"delays"}},
             {"additionalProperties", false},
             {"properties",
              object{{"delays",
                      object{{"type", "array"}, {"minItems", 1}, {"maxItems", attempts_max - 1}, {"items", delay}}}}}},
      "The delays before the second try, the third and so on.");
  object name{{"enum", array{"default", "standard-webhooks"}}};
  return object{{"description", "When a message that could not be processed is tried again."},
                {"anyOf", array{std::move(name), std::move(numbers), std::move(list)}}};
}

object instances_schema() {
  Field count = field("instances", Field::Type::integer, "A fixed number.");
  count.minimum = 1;
  count.maximum = instances_max;
  Field min = field("min", Field::Type::integer, "How many there are without messages.");
  min.minimum = 0;
  min.maximum = instances_max;
  min.default_json = "0";
  Field max = field("max", Field::Type::integer, "How many there are at most.");
  max.minimum = 1;
  max.maximum = instances_max;
  max.required = true;
  Field target = field("target_backlog", Field::Type::integer, "Messages waiting and in work for each instance.");
  target.minimum = 1;
  target.maximum = target_backlog_max;
  target.default_json = std::to_string(target_backlog_default);
  object range = described(fields_schema({min, max, target}), "As many as the backlog asks for.");
  return object{{"description", "How many workers share the step's messages."},
                {"default", 1},
                {"anyOf", array{field_schema(count), std::move(range)}}};
}

object driver_schema() {
  Field driver = field("driver", Field::Type::choice, "What runs the workers: a process each, or a container each.");
  driver.choices = {"process", "docker"};
  return field_schema(driver);
}

object limits_schema() {
  return described(fields_schema(limits_fields()), "What each worker may use.");
}

object after_schema() {
  const object id{{"type", "string"}};
  const object ids{{"type", "array"}, {"items", id}, {"minItems", 1}, {"uniqueItems", true}};
  return object{{"description", "The step or steps whose messages come to this action."}, {"anyOf", array{id, ids}}};
}

object step_properties(const component::Catalogue& catalogue) {
  object properties;
  properties["id"] = object{{"description", "The step's name, unique in the flow; other steps name it in \"after\"."},
                            {"type", "string"},
                            {"pattern", "^[a-z0-9][a-z0-9_-]{0,62}$"},
                            {"not", object{{"const", "dead-letters"}}}};
  properties["trigger"] = function_names(catalogue, true, "What starts the flow: COMPONENT.FUNCTION.");
  properties["action"] =
      object{{"description", "What is done with each message: COMPONENT.FUNCTION."}, {"type", "string"}};
  properties["after"] = after_schema();
  properties["config"] = object{{"description", "The function's fields."}, {"type", array{"object", "null"}}};
  properties["input"] = field_schema(field("input", Field::Type::expression,
                                           "JSONata over the incoming message; the result is this step's input body."));
  properties["when"] =
      field_schema(field("when", Field::Type::expression,
                         "JSONata over the incoming message; messages for which it is not true end here."));
  properties["ordered_by"] = field_schema(
      field("ordered_by", Field::Type::expression,
            "JSONata over the incoming message: those with one result are handled one at a time and in order."));
  properties["instances"] = instances_schema();
  Field concurrency =
      field("concurrency", Field::Type::integer,
            "How many messages each worker has in work at once, at the most. Unset: "
            "16 for http.request, 4 for email.send, 1 for programs; actions that never wait need none.");
  concurrency.minimum = 1;
  concurrency.maximum = concurrency_max;
  properties["concurrency"] = field_schema(concurrency);
  properties["retry"] = retry_schema();
  Field park = field("park", Field::Type::boolean, "Whether the step waits as a whole while its target is down.");
  park.default_json = "true";
  properties["park"] = field_schema(park);
  properties["driver"] = driver_schema();
  properties["image"] = field_schema(
      field("image", Field::Type::text, "The image of its containers; any that keeps the worker contract."));
  properties["limits"] = limits_schema();
  properties["credential"] =
      object{{"description", "The name of the credential that the step logs in with, or asks its callers for."},
             {"type", "string"}};
  return properties;
}

/// If the step is of this function, its config is the function's.
object config_rule(const Descriptor& descriptor) {
  const char* key = descriptor.is_trigger() ? "trigger" : "action";
  bool needed = false;
  array instead;  // what has to be given where no credential says it
  auto fields = descriptor.fields;
  for (Field& it : fields) {
    const auto& replaced = descriptor.credential_replaces;
    if (it.required && std::ranges::find(replaced, it.name) != replaced.end()) {
      instead.emplace_back(it.name);
      it.required = false;
    }
    needed = needed || it.required;
  }
  object config = fields_schema(fields);
  if (!needed) config["type"] = array{"object", "null"};
  object then{{"properties", object{{"config", std::move(config)}}}};
  if (needed) then["required"] = array{"config"};
  if (!instead.empty()) {
    const object given{{"required", array{"config"}},
                       {"properties", object{{"config", object{{"required", std::move(instead)}}}}}};
    then["anyOf"] = array{object{{"required", array{"credential"}}}, given};
  }
  if (descriptor.credential_types.empty()) then["properties"].as_object()["credential"] = false;
  if (descriptor.is_trigger() && !descriptor.has_worker()) {
    for (const char* name : {"retry", "driver", "image", "limits"}) then["properties"].as_object()[name] = false;
  }
  return object{{"if", object{{"required", array{key}},
                              {"properties", object{{key, object{{"const", descriptor.full_name()}}}}}}},
                {"then", std::move(then)}};
}

/// Unless an image is named, which may have actions of its own, the action is one of ours.
object action_rule(const component::Catalogue& catalogue) {
  object names = function_names(catalogue, false, "What is done with each message: COMPONENT.FUNCTION.");
  return object{{"if", object{{"not", object{{"required", array{"image"}}}}}},
                {"then", object{{"properties", object{{"action", std::move(names)}}}}}};
}

object step_schema(const component::Catalogue& catalogue) {
  object trigger{{"required", array{"trigger"}},
                 {"properties", object{{"action", false},
                                       {"after", false},
                                       {"input", false},
                                       {"when", false},
                                       {"instances", false},
                                       {"concurrency", false},
                                       {"ordered_by", false},
                                       {"park", false}}}};
  object action{{"required", array{"action", "after"}}, {"properties", object{{"trigger", false}}}};
  array rules;
  for (const auto& function : catalogue.all()) rules.push_back(config_rule(function.descriptor));
  rules.push_back(action_rule(catalogue));
  return object{{"type", "object"},
                {"required", array{"id"}},
                {"properties", step_properties(catalogue)},
                {"additionalProperties", false},
                {"oneOf", array{std::move(trigger), std::move(action)}},
                {"allOf", std::move(rules)}};
}

}  // namespace

std::string flow_schema(const component::Catalogue& catalogue) {
  object name{{"description", "What the flow is called; unique among the flows of a platform."},
              {"type", "string"},
              {"pattern", "^[a-z0-9][a-z0-9-]{0,62}$"}};
  object steps{{"description", "One trigger and the actions after it."},
               {"type", "array"},
               {"minItems", 2},
               {"maxItems", steps_max},
               {"items", object{{"$ref", "#/$defs/step"}}}};
  object schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                {"title", "Millrace flow"},
                {"description", "One integration flow. Made by `millrace flow schema`; do not edit."},
                {"type", "object"},
                {"required", array{"name", "steps"}},
                {"properties", object{{"$schema", object{{"type", "string"}}},
                                      {"name", std::move(name)},
                                      {"driver", driver_schema()},
                                      {"limits", limits_schema()},
                                      {"history", history_schema()},
                                      {"steps", std::move(steps)}}},
                {"additionalProperties", false}};
  object defs = shared_field_schemas();
  defs["step"] = step_schema(catalogue);
  schema["$defs"] = std::move(defs);
  return pretty_json(schema);
}

}  // namespace millrace::flow
