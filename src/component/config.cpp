#include "component/config.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "core/check.hpp"
#include "jsonata/expression.hpp"

namespace millrace::component {
namespace json = boost::json;
namespace {

Error bad(const std::string& path, std::string_view expected) {
  return {Error::Kind::invalid, fmt::format("config.{}: {}", path, expected)};
}

Status check_range(const Field& field, const std::string& path, double value) {
  if (field.minimum && value < *field.minimum) return bad(path, fmt::format("must be at least {}", *field.minimum));
  if (field.maximum && value > *field.maximum) return bad(path, fmt::format("must be at most {}", *field.maximum));
  return Done{};
}

bool is_scalar(const json::value& value) {
  return value.is_string() || value.is_number() || value.is_bool();
}

Status complete(const std::vector<Field>& fields, const std::string& path, json::object& values);

Status check_choice(const Field& field, const std::string& path, const json::value& value) {
  if (value.is_string()) {
    const std::string_view text = value.get_string();
    if (std::find(field.choices.begin(), field.choices.end(), text) != field.choices.end()) return Done{};
  }
  return bad(path, fmt::format("must be one of {}", fmt::join(field.choices, ", ")));
}

Status check_expression(const std::string& path, const json::value& value) {
  if (!value.is_string()) return bad(path, "must be a JSONata expression");
  const auto compiled = jsonata::Expression::compile(std::string_view(value.get_string()));
  if (compiled) return Done{};
  const auto& fault = compiled.error();
  return bad(path, fmt::format("JSONata {}: {}{}", fault.code, fault.message,
                               fault.position ? fmt::format(" (at character {})", *fault.position) : std::string()));
}

Status check_field(const Field& field, const std::string& path, json::value& value) {
  boost::system::error_code failed;
  switch (field.type) {
    case Field::Type::text:
    case Field::Type::secret:
      if (is_scalar(value)) return Done{};
      return bad(path, "must be text");
    case Field::Type::integer: {
      const auto number = value.is_number() ? value.to_number<std::int64_t>(failed) : 0;
      if (!value.is_number() || failed) return bad(path, "must be a whole number");
      return check_range(field, path, static_cast<double>(number));
    }
    case Field::Type::number: {
      const auto number = value.is_number() ? value.to_number<double>(failed) : 0;
      if (!value.is_number() || failed) return bad(path, "must be a number");
      return check_range(field, path, number);
    }
    case Field::Type::boolean:
      if (value.is_bool()) return Done{};
      return bad(path, "must be true or false");
    case Field::Type::duration: {
      const auto duration = parse_duration(value);
      if (!duration) return bad(path, duration.error().message);
      return check_range(field, path, static_cast<double>(duration->count()) / 1000);
    }
    case Field::Type::size: {
      const auto size = parse_size(value);
      if (!size) return bad(path, size.error().message);
      return check_range(field, path, static_cast<double>(*size));
    }
    case Field::Type::expression:
      return check_expression(path, value);
    case Field::Type::choice:
      return check_choice(field, path, value);
    case Field::Type::object:
      if (!value.is_object()) return bad(path, "must be a mapping");
      if (field.fields.empty()) return Done{};
      return complete(field.fields, path + ".", value.get_object());
    case Field::Type::text_map:
      if (!value.is_object()) return bad(path, "must be a mapping of names to text");
      for (const auto& entry : value.get_object()) {
        if (!is_scalar(entry.value())) return bad(path + "." + std::string(entry.key()), "must be text");
      }
      return Done{};
    case Field::Type::list:
      if (is_scalar(value)) value = json::array{value};
      if (!value.is_array()) return bad(path, "must be a list of text");
      for (const auto& element : value.get_array()) {
        if (!is_scalar(element)) return bad(path, "must be a list of text");
      }
      return Done{};
    case Field::Type::any:
      return Done{};
  }
  return Done{};
}

Status complete(const std::vector<Field>& fields, const std::string& path, json::object& values) {
  for (const auto& entry : values) {
    const auto known = std::any_of(fields.begin(), fields.end(), [&](const Field& f) { return f.name == entry.key(); });
    if (known) continue;
    std::vector<std::string_view> names;
    for (const auto& field : fields) names.push_back(field.name);
    return bad(path + std::string(entry.key()), fmt::format("is not a field; there are {}", fmt::join(names, ", ")));
  }
  for (const auto& field : fields) {
    auto* value = values.if_contains(field.name);
    if (value == nullptr || value->is_null()) {
      if (field.required) return bad(path + field.name, "is missing: " + field.summary);
      values.erase(field.name);
      if (field.default_json.empty()) continue;
      values[field.name] = json::parse(field.default_json);
      value = values.if_contains(field.name);
    }
    if (auto status = check_field(field, path + field.name, *value); !status) return status;
  }
  return Done{};
}

std::string scalar_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  return fmt::format("{}", value.get_double());
}

const json::value null_value;

}  // namespace

Result<Config> Config::read(const Descriptor& descriptor, const json::object& config) {
  json::object values = config;
  if (auto status = complete(descriptor.fields, "", values); !status) return status.error();
  if (descriptor.check) {
    if (auto status = descriptor.check(values); !status) return status.error().in("config");
  }
  return Config(descriptor, std::move(values));
}

Config::Config(const Descriptor& descriptor, json::object values) : values_(std::move(values)) {
  for (const auto& field : descriptor.fields) known_.push_back(field.name);
}

bool Config::has(std::string_view name) const {
  return !value(name).is_null();
}

const json::value& Config::value(std::string_view name) const {
  MILLRACE_CHECK(std::find(known_.begin(), known_.end(), name) != known_.end(), "a config is asked for no field of it");
  const auto* found = values_.if_contains(name);
  return found == nullptr ? null_value : *found;
}

std::string Config::text(std::string_view name) const {
  const auto& found = value(name);
  return found.is_null() ? std::string() : scalar_text(found);
}

std::int64_t Config::integer(std::string_view name) const {
  const auto& found = value(name);
  boost::system::error_code failed;
  return found.is_null() ? 0 : found.to_number<std::int64_t>(failed);
}

double Config::number(std::string_view name) const {
  const auto& found = value(name);
  boost::system::error_code failed;
  return found.is_null() ? 0 : found.to_number<double>(failed);
}

bool Config::boolean(std::string_view name) const {
  const auto& found = value(name);
  return found.is_bool() && found.get_bool();
}

std::chrono::milliseconds Config::duration(std::string_view name) const {
  const auto& found = value(name);
  return found.is_null() ? std::chrono::milliseconds(0) : *parse_duration(found);
}

std::uint64_t Config::size(std::string_view name) const {
  const auto& found = value(name);
  return found.is_null() ? 0 : *parse_size(found);
}

std::vector<std::string> Config::list(std::string_view name) const {
  std::vector<std::string> texts;
  const auto& found = value(name);
  if (found.is_array()) {
    for (const auto& element : found.get_array()) texts.push_back(scalar_text(element));
  }
  return texts;
}

std::vector<std::pair<std::string, std::string>> Config::text_map(std::string_view name) const {
  std::vector<std::pair<std::string, std::string>> entries;
  const auto& found = value(name);
  if (found.is_object()) {
    for (const auto& entry : found.get_object()) entries.emplace_back(entry.key(), scalar_text(entry.value()));
  }
  return entries;
}

}  // namespace millrace::component
