#include "flow/field_schema.hpp"

#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace millrace::flow {
namespace {

using boost::json::array;
using boost::json::object;
using component::Field;

object reference(std::string_view name) {
  return object{{"$ref", "#/$defs/" + std::string(name)}};
}

object or_variable(object schema) {
  return object{{"anyOf", array{std::move(schema), reference("variable")}}};
}

object text() {
  return object{{"type", array{"string", "number"}}};
}

boost::json::value number_of(double value) {
  if (std::floor(value) == value && std::abs(value) < 1e15) return static_cast<std::int64_t>(value);
  return value;
}

/// Bounds under the names that this type's counting has.
object bounded(object schema, const Field& field, std::string_view minimum, std::string_view maximum) {
  if (field.minimum) schema[minimum] = number_of(*field.minimum);
  if (field.maximum) schema[maximum] = number_of(*field.maximum);
  return schema;
}

object choice_schema(const Field& field) {
  array choices;
  for (const std::string& choice : field.choices) choices.push_back(boost::json::value(choice));
  return or_variable({{"enum", std::move(choices)}});
}

object type_schema(const Field& field) {
  switch (field.type) {
    case Field::Type::text:
    case Field::Type::secret:
      return bounded(text(), field, "minLength", "maxLength");
    case Field::Type::integer:
      return or_variable(bounded({{"type", "integer"}}, field, "minimum", "maximum"));
    case Field::Type::number:
      return or_variable(bounded({{"type", "number"}}, field, "minimum", "maximum"));
    case Field::Type::boolean:
      return or_variable({{"type", "boolean"}});
    case Field::Type::duration:
      return reference("duration");
    case Field::Type::size:
      return reference("size");
    case Field::Type::expression:
      return {{"type", "string"}};
    case Field::Type::choice:
      return choice_schema(field);
    case Field::Type::object:
      return field.fields.empty() ? object{{"type", "object"}} : fields_schema(field.fields);
    case Field::Type::text_map:
      return {{"type", "object"}, {"additionalProperties", text()}};
    case Field::Type::list: {
      const object item = field.choices.empty() ? text() : choice_schema(field);
      const object texts = bounded({{"type", "array"}, {"items", item}}, field, "minItems", "maxItems");
      return {{"anyOf", array{texts, item}}};
    }
    case Field::Type::any:
      return {};
  }
  return {};
}

}  // namespace

object field_schema(const Field& field) {
  object schema;
  schema["description"] = field.summary;
  const object type = type_schema(field);
  schema.insert(type.begin(), type.end());
  boost::system::error_code error;
  const auto value = boost::json::parse(field.default_json, error);
  if (!error) schema["default"] = value;
  return schema;
}

object fields_schema(const std::vector<Field>& fields) {
  object properties;
  array required;
  for (const Field& field : fields) {
    properties[field.name] = field_schema(field);
    if (field.required) required.push_back(boost::json::value(field.name));
  }
  object schema{{"type", "object"}};
  if (!required.empty()) schema["required"] = std::move(required);
  schema["properties"] = std::move(properties);
  schema["additionalProperties"] = false;
  return schema;
}

object shared_field_schemas() {
  const object number{{"type", "number"}, {"minimum", 0}};
  const auto quantity = [&](const char* pattern, array examples) {
    const object text{{"type", "string"}, {"pattern", pattern}};
    return object{{"anyOf", array{number, text, reference("variable")}}, {"examples", std::move(examples)}};
  };
  object out;
  out["variable"] = object{{"type", "string"}, {"pattern", "\\$\\{"}};
  out["duration"] =
      quantity("^([0-9.]+d)?([0-9.]+h)?([0-9.]+m)?([0-9.]+s)?([0-9.]+ms)?$|^[0-9.]+$", {"30s", "5m", "1h30m", 60});
  out["size"] = quantity("^[0-9.]+ *(B|[kK]B|MB|GB|KiB|MiB|GiB)?$", {"64KiB", "10MB", 1024});
  return out;
}

}  // namespace millrace::flow
