#include "flow/value.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "component/config.hpp"
#include "core/nearest.hpp"
#include "flow/expression.hpp"
#include "flow/scalar.hpp"

namespace millrace::flow {
namespace {

using component::Field;
using Value = std::optional<boost::json::value>;
using Kind = Node::Kind;

std::nullopt_t wrong_type(Reading& reading, const Node& node, const std::string& path, std::string_view wanted,
                          std::string mend = {}) {
  if (node.kind == Kind::null) {
    reading.problem(node, path, fmt::format("is empty, but must be {}", wanted),
                    "give it a value, or leave the field out");
  } else {
    reading.problem(node, path, fmt::format("must be {}, but is {}", wanted, describe(node)), std::move(mend));
  }
  return std::nullopt;
}

std::string within(const std::optional<double>& min, const std::optional<double>& max) {
  if (min && max) return fmt::format("between {} and {}", *min, *max);
  return min ? fmt::format("at least {}", *min) : fmt::format("at most {}", *max);
}

/// `what` names what is counted: "must be", "its length must be" …
bool in_range(Reading& reading, const Node& node, const std::string& path, const Field& field, double value,
              std::string_view unit = {}, std::string_view what = "must be") {
  if ((!field.minimum || value >= *field.minimum) && (!field.maximum || value <= *field.maximum)) return true;
  reading.problem(node, path,
                  fmt::format("{} {}{}, but is {}{}", what, within(field.minimum, field.maximum), unit, value, unit));
  return false;
}

/// A number is taken as it is written ("007" stays), for people leave the quotes of ports, codes and passwords out.
std::optional<std::string> read_text(Reading& reading, const Node& node, const std::string& path) {
  if (node.kind == Kind::integer || node.kind == Kind::number) return node.text;
  if (node.kind != Kind::text) {
    return wrong_type(reading, node, path, "text",
                      node.kind == Kind::boolean ? fmt::format("put it in quotes: \"{}\"", node.text) : std::string());
  }
  auto scalar = reading.scalar(node, path);
  if (!scalar) return std::nullopt;
  return std::move(scalar->text);
}

Value text_value(Reading& reading, const Node& node, const std::string& path, const Field& field, bool& passthrough) {
  auto text = field.verbatim && node.kind == Kind::text ? std::optional(node.text) : read_text(reading, node, path);
  if (text && field.templated) check_templates(reading, node, path, passthrough);
  if (!text) return std::nullopt;
  const auto length = std::count_if(text->begin(), text->end(), [](char c) { return (c & 0xC0) != 0x80; });
  if (!in_range(reading, node, path, field, static_cast<double>(length), "", "its length must be")) return std::nullopt;
  return boost::json::value(std::move(*text));
}

Value integer_value(Reading& reading, const Node& node, const std::string& path, const Field& field) {
  constexpr std::string_view wanted = "a whole number";
  if (node.kind != Kind::integer && node.kind != Kind::text) return wrong_type(reading, node, path, wanted);
  const auto scalar = reading.scalar(node, path);
  if (!scalar) return std::nullopt;
  if (node.kind == Kind::text && !scalar->replaced) return wrong_type(reading, node, path, wanted, "remove the quotes");
  const auto value = integer_of(scalar->text);
  if (!value) return wrong_type(reading, node, path, "a whole number of at most 64 bits");
  if (!in_range(reading, node, path, field, static_cast<double>(*value))) return std::nullopt;
  return boost::json::value(*value);
}

Value number_value(Reading& reading, const Node& node, const std::string& path, const Field& field) {
  const bool number = node.kind == Kind::integer || node.kind == Kind::number;
  if (!number && node.kind != Kind::text) return wrong_type(reading, node, path, "a number");
  const auto scalar = reading.scalar(node, path);
  if (!scalar) return std::nullopt;
  const auto value = number_of(scalar->text);
  if (!value || (!number && !scalar->replaced)) return wrong_type(reading, node, path, "a number");
  if (!in_range(reading, node, path, field, *value)) return std::nullopt;
  if (const auto whole = integer_of(scalar->text)) return boost::json::value(*whole);
  return boost::json::value(*value);
}

Value boolean_value(Reading& reading, const Node& node, const std::string& path) {
  constexpr std::string_view wanted = "true or false";
  if (node.kind != Kind::boolean && node.kind != Kind::text) return wrong_type(reading, node, path, wanted);
  const auto scalar = reading.scalar(node, path);
  if (!scalar) return std::nullopt;
  const auto value = boolean_of(scalar->text);
  if (!value || (node.kind == Kind::text && !scalar->replaced)) {
    return wrong_type(reading, node, path, wanted, value ? "remove the quotes" : "write true or false");
  }
  return boost::json::value(*value);
}

std::optional<std::int64_t> quantity(Reading& reading, const Node& node, const std::string& path, bool duration) {
  const std::string_view wanted = duration ? "a duration" : "a size";
  std::string mend =
      duration ? "write 30s, 5m, 1h30m, or a number of seconds" : "write 64KiB, 10MB, or a number of bytes";
  if (node.kind != Kind::integer && node.kind != Kind::number && node.kind != Kind::text) {
    return wrong_type(reading, node, path, wanted, std::move(mend));
  }
  const auto scalar = reading.scalar(node, path);
  if (!scalar) return std::nullopt;
  if (duration) {
    if (const auto value = component::parse_duration(boost::json::string(scalar->text))) return value->count();
  } else if (const auto value = component::parse_size(boost::json::string(scalar->text))) {
    return static_cast<std::int64_t>(*value);
  }
  reading.problem(node, path, fmt::format("\"{}\" is not {}", node.text, wanted), std::move(mend));
  return std::nullopt;
}

Value choice_value(Reading& reading, const Node& node, const std::string& path, const Field& field) {
  const auto text = read_text(reading, node, path);
  if (!text) return std::nullopt;
  if (std::find(field.choices.begin(), field.choices.end(), *text) != field.choices.end()) {
    return boost::json::value(*text);
  }
  reading.problem(node, path, fmt::format("\"{}\" is none of: {}", node.text, fmt::join(field.choices, ", ")),
                  nearest(*text, field.choices) ? suggestion(*text, field.choices) : std::string());
  return std::nullopt;
}

Value text_map_value(Reading& reading, const Node& node, const std::string& path, const Field& field,
                     bool& passthrough) {
  if (node.kind != Kind::mapping) return wrong_type(reading, node, path, "a mapping of names to text");
  reading.check_repeats(node, path);
  boost::json::object out;
  for (const Node::Entry& entry : node.entries) {
    const std::string place = join(path, entry.key);
    auto text = read_text(reading, *entry.value, place);
    if (text && field.templated) check_templates(reading, *entry.value, place, passthrough);
    if (text) out[entry.key] = std::move(*text);
  }
  return boost::json::value(std::move(out));
}

Value list_value(Reading& reading, const Node& node, const std::string& path, const Field& field) {
  if (node.kind == Kind::text || node.kind == Kind::integer || node.kind == Kind::number) {
    if (!field.choices.empty()) {
      auto choice = choice_value(reading, node, path, field);
      return choice ? Value(boost::json::array{std::move(*choice)}) : std::nullopt;
    }
    auto text = read_text(reading, node, path);
    if (!text || !in_range(reading, node, path, field, 1, " entries", "must have")) return std::nullopt;
    return boost::json::value(boost::json::array{boost::json::value(std::move(*text))});
  }
  if (node.kind != Kind::list) return wrong_type(reading, node, path, "a list of text");
  if (!in_range(reading, node, path, field, static_cast<double>(node.items.size()), " entries", "must have")) {
    return std::nullopt;
  }
  boost::json::array out;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const auto place = fmt::format("{}[{}]", path, i);
    if (!field.choices.empty()) {
      if (auto choice = choice_value(reading, *node.items[i], place, field)) out.push_back(std::move(*choice));
    } else if (auto text = read_text(reading, *node.items[i], place)) {
      out.push_back(boost::json::value(std::move(*text)));
    }
  }
  return boost::json::value(std::move(out));
}

Value object_value(Reading& reading, const Node& node, const std::string& path, const Field& field, bool& passthrough) {
  if (node.kind != Kind::mapping) return wrong_type(reading, node, path, "a mapping");
  if (field.fields.empty()) return read_any(reading, node, path);
  return boost::json::value(read_fields(reading, node, path, field.fields, passthrough));
}

}  // namespace

Value read_value(Reading& reading, const Node& node, const std::string& path, const Field& field, bool& passthrough) {
  switch (field.type) {
    case Field::Type::text:
    case Field::Type::secret:
      return text_value(reading, node, path, field, passthrough);
    case Field::Type::integer:
      return integer_value(reading, node, path, field);
    case Field::Type::number:
      return number_value(reading, node, path, field);
    case Field::Type::boolean:
      return boolean_value(reading, node, path);
    case Field::Type::duration: {
      const auto value = quantity(reading, node, path, true);
      if (!value) return std::nullopt;
      if (!in_range(reading, node, path, field, static_cast<double>(*value) / 1'000, "s")) return std::nullopt;
      return boost::json::value(*value);
    }
    case Field::Type::size: {
      const auto value = quantity(reading, node, path, false);
      if (!value) return std::nullopt;
      if (!in_range(reading, node, path, field, static_cast<double>(*value), " bytes")) return std::nullopt;
      return boost::json::value(*value);
    }
    case Field::Type::expression: {
      auto mapping = read_expression(reading, node, path, passthrough, field.verbatim);
      if (!mapping) return std::nullopt;
      return boost::json::value(std::move(mapping->source));
    }
    case Field::Type::choice:
      return choice_value(reading, node, path, field);
    case Field::Type::object:
      return object_value(reading, node, path, field, passthrough);
    case Field::Type::text_map:
      return text_map_value(reading, node, path, field, passthrough);
    case Field::Type::list:
      return list_value(reading, node, path, field);
    case Field::Type::any:
      return read_any(reading, node, path);
  }
  return std::nullopt;
}

Value read_any(Reading& reading, const Node& node, const std::string& path) {
  switch (node.kind) {
    case Kind::null:
      return boost::json::value(nullptr);
    case Kind::boolean:
      return boost::json::value(*boolean_of(node.text));
    case Kind::integer:
    case Kind::number:
      if (const auto whole = integer_of(node.text)) return boost::json::value(*whole);
      if (const auto number = number_of(node.text)) return boost::json::value(*number);
      return wrong_type(reading, node, path, "a number within the range of a double");
    case Kind::text:
      if (auto text = read_text(reading, node, path)) return boost::json::value(std::move(*text));
      return std::nullopt;
    case Kind::list: {
      boost::json::array out;
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        if (auto item = read_any(reading, *node.items[i], fmt::format("{}[{}]", path, i)))
          out.push_back(std::move(*item));
      }
      return boost::json::value(std::move(out));
    }
    case Kind::mapping: {
      reading.check_repeats(node, path);
      boost::json::object out;
      for (const Node::Entry& entry : node.entries) {
        if (auto item = read_any(reading, *entry.value, join(path, entry.key))) out[entry.key] = std::move(*item);
      }
      return boost::json::value(std::move(out));
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(Reading& reading, const Node& node, const std::string& path, std::int64_t min,
                                         std::int64_t max) {
  Field field;
  field.minimum = static_cast<double>(min);
  field.maximum = static_cast<double>(max);
  const auto value = integer_value(reading, node, path, field);
  if (!value) return std::nullopt;
  return value->as_int64();
}

std::optional<double> read_number(Reading& reading, const Node& node, const std::string& path) {
  const auto value = number_value(reading, node, path, Field{});
  if (!value) return std::nullopt;
  return value->to_number<double>();
}

std::optional<std::int64_t> read_duration(Reading& reading, const Node& node, const std::string& path) {
  return quantity(reading, node, path, true);
}

}  // namespace millrace::flow
