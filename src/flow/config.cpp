#include "flow/config.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "component/config.hpp"
#include "flow/value.hpp"

namespace millrace::flow {
namespace {

using component::Field;

/// A default of a descriptor in the form that components read. Nullopt: a mistake in the descriptor.
std::optional<boost::json::value> normalised_default(const Field& field) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(field.default_json, error);
  if (error) return std::nullopt;
  if (field.type == Field::Type::duration) {
    const auto written = value.is_string() ? value : boost::json::value(field.default_json);
    const auto duration = component::parse_duration(written);
    if (!duration) return std::nullopt;
    return boost::json::value(duration->count());
  }
  if (field.type == Field::Type::size) {
    const auto size = component::parse_size(value);
    if (!size) return std::nullopt;
    return boost::json::value(*size);
  }
  return value;
}

void fill_in(Reading& reading, const Node& at, const std::string& path, const Field& field, boost::json::object& out) {
  if (field.required) {
    const std::string article = field.summary.empty() ? "" : ": " + field.summary;
    reading.problem(at, join(path, field.name), "missing", fmt::format("add \"{}\"{}", field.name, article));
    return;
  }
  if (field.default_json.empty()) return;
  auto value = normalised_default(field);
  if (!value) {
    reading.problem(at, join(path, field.name),
                    fmt::format("the component's own default {} is malformed", field.default_json),
                    "report this as a bug of the component, and give a value here");
    return;
  }
  if (field.type == Field::Type::object && value->is_object()) {
    for (const Field& inner : field.fields) {
      if (!value->as_object().contains(inner.name)) {
        fill_in(reading, at, join(path, field.name), inner, value->as_object());
      }
    }
  }
  out[field.name] = std::move(*value);
}

}  // namespace

boost::json::object read_fields(Reading& reading, const Node& mapping, const std::string& path,
                                const std::vector<Field>& fields, bool& passthrough) {
  std::vector<std::string> known;
  for (const Field& field : fields) known.push_back(field.name);
  reading.check_keys(mapping, path, known);
  boost::json::object out;
  for (const Field& field : fields) {
    const Node* node = mapping.find(field.name);
    if (node == nullptr) {
      fill_in(reading, mapping, path, field, out);
    } else if (auto value = read_value(reading, *node, join(path, field.name), field, passthrough)) {
      out[field.name] = std::move(*value);
    }
  }
  return out;
}

boost::json::object read_config(Reading& reading, const Node* config, const Node& step, const std::string& path,
                                const component::Descriptor& descriptor, bool& passthrough) {
  const bool absent = config == nullptr || config->kind == Node::Kind::null;
  if (!absent && config->kind != Node::Kind::mapping) {
    reading.problem(
        *config, path,
        fmt::format("must be a mapping of the fields of {}, but is {}", descriptor.full_name(), describe(*config)));
    return {};
  }
  Node empty;
  empty.kind = Node::Kind::mapping;
  empty.offset = config == nullptr ? step.offset : config->offset;
  const std::size_t problems = reading.problem_count();
  const Node& mapping = absent ? empty : *config;
  auto values = read_fields(reading, mapping, path, descriptor.fields, passthrough);
  if (descriptor.check && reading.problem_count() == problems) {
    if (const auto status = descriptor.check(values); !status) {
      reading.problem(mapping, path, status.error().message);
    }
  }
  return values;
}

}  // namespace millrace::flow
