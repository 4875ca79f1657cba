#include <algorithm>

#include <fmt/format.h>

#include "component/json_text.hpp"
#include "flow/expression.hpp"
#include "flow/scalar.hpp"
#include "flow/value.hpp"
#include "flow_tests/file/readers.hpp"
#include "gateway/media_type.hpp"

namespace millrace::flow_tests {
using flow::join;
using flow::Node;
using flow::NodePtr;
using flow::Reading;
using Kind = Node::Kind;

namespace {

std::optional<boost::json::value> read_wanted(Reading& reading, const Node& node, const std::string& path,
                                              const PartField& part) {
  switch (part.type) {
    case PartField::Type::text: {
      auto text = read_text(reading, node, path);
      return text ? std::optional<boost::json::value>(std::move(*text)) : std::nullopt;
    }
    case PartField::Type::integer: {
      const auto number = flow::read_integer(reading, node, path, 0, 1'000'000);
      return number ? std::optional<boost::json::value>(*number) : std::nullopt;
    }
    case PartField::Type::headers: {
      const auto headers = read_headers(reading, node, path);
      if (!headers) return std::nullopt;
      boost::json::object object;
      for (const auto& [name, value] : *headers) object[name] = value;
      return boost::json::value(std::move(object));
    }
    case PartField::Type::mapping:
      if (!is_mapping(reading, node, path, "names and values")) return std::nullopt;
      return flow::read_any(reading, node, path);
    case PartField::Type::list:
      if (node.kind == Kind::list) return flow::read_any(reading, node, path);
      if (auto one = flow::read_any(reading, node, path)) {
        return boost::json::value(boost::json::array{std::move(*one)});
      }
      return std::nullopt;
    case PartField::Type::any:
      return flow::read_any(reading, node, path);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> read_text(Reading& reading, const Node& node, const std::string& path) {
  if (node.kind == Kind::integer || node.kind == Kind::number) return node.text;
  if (node.kind != Kind::text) {
    reading.problem(node, path, "must be text, but is " + describe(node));
    return std::nullopt;
  }
  auto scalar = reading.scalar(node, path);
  if (!scalar) return std::nullopt;
  return std::move(scalar->text);
}

std::optional<bool> read_flag(Reading& reading, const Node& node, const std::string& path) {
  if (node.kind == Kind::boolean) return flow::boolean_of(node.text);
  reading.problem(node, path, "must be true or false, but is " + describe(node));
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> read_span(Reading& reading, const Node& node, const std::string& path) {
  const auto span = flow::read_duration(reading, node, path);
  if (!span) return std::nullopt;
  return std::chrono::milliseconds(*span);
}

bool is_mapping(Reading& reading, const Node& node, const std::string& path, std::string_view of_what) {
  if (node.kind == Kind::mapping) return true;
  reading.problem(node, path, fmt::format("must be a mapping of {}, but is {}", of_what, describe(node)));
  return false;
}

std::optional<Headers> read_headers(Reading& reading, const Node& node, const std::string& path) {
  if (!is_mapping(reading, node, path, "names to text")) return std::nullopt;
  reading.check_repeats(node, path);
  Headers headers;
  for (const auto& entry : node.entries) {
    auto text = read_text(reading, *entry.value, join(path, entry.key));
    if (text) headers.emplace_back(gateway::lower(entry.key), std::move(*text));
  }
  return headers;
}

std::optional<Condition> read_condition(Reading& reading, const Node& node, const std::string& path) {
  bool passthrough = false;
  const auto mapping = flow::read_expression(reading, node, path, passthrough);
  if (!mapping) return std::nullopt;
  auto compiled = jsonata::Expression::compile(mapping->source);
  MILLRACE_CHECK(bool(compiled), "an expression compiles twice");
  return Condition{std::move(*compiled), node.offset, path};
}

std::optional<Expected> read_expected(Reading& reading, const NodePtr& node, const std::string& path,
                                      const Parts& parts, const Names& others) {
  if (!is_mapping(reading, *node, path, "what is expected")) return std::nullopt;
  Names known = others;
  for (const auto& part : parts) known.emplace_back(part.field);
  known.emplace_back("that");
  reading.check_keys(*node, path, known);
  Expected expected;
  expected.offset = node->offset;
  expected.path = path;
  for (const auto& entry : node->entries) {
    const auto part = std::ranges::find(parts, std::string_view(entry.key), &PartField::field);
    if (part == parts.end()) continue;
    const auto place = join(path, entry.key);
    auto wanted = read_wanted(reading, *entry.value, place, *part);
    if (wanted) expected.checks.push_back({*part, std::move(*wanted), entry.value, place});
  }
  if (const auto* that = node->find("that")) expected.that = read_condition(reading, *that, join(path, "that"));
  return expected;
}

std::optional<ExpectedList> read_list(Reading& reading, const NodePtr& node, const std::string& path,
                                      const Parts& parts) {
  ExpectedList list;
  list.offset = node->offset;
  list.path = path;
  if (node->kind == Kind::integer || node->kind == Kind::text) {
    const auto count = flow::read_integer(reading, *node, path, 0, 10'000'000);
    if (!count) return std::nullopt;
    list.count = static_cast<std::size_t>(*count);
    return list;
  }
  if (node->kind != Kind::list) {
    reading.problem(*node, path, "must be a list, or how many there are, but is " + describe(*node),
                    "write a number, or one \"- …\" for each");
    return std::nullopt;
  }
  list.items.emplace();
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    auto item = read_expected(reading, node->items[i], fmt::format("{}[{}]", path, i), parts);
    if (item) list.items->push_back(std::move(*item));
  }
  list.count = node->items.size();
  return list;
}

}  // namespace millrace::flow_tests
