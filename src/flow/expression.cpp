#include "flow/expression.hpp"

#include <fmt/format.h>

#include "jsonata/expression.hpp"

namespace millrace::flow {
namespace {

/// Byte offset of a place counted in UTF-16 code units.
std::size_t byte_offset(std::string_view text, std::size_t units) {
  std::size_t at = 0;
  while (at < text.size() && units > 0) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    units -= std::min<std::size_t>(units, bytes == 4 ? 2 : 1);
    at += bytes;
  }
  return std::min(at, text.size());
}

/// Where the fault's token begins: the reference engine counts to its end.
std::size_t fault_offset(std::string_view source, const jsonata::Fault& fault) {
  const std::size_t at = byte_offset(source, fault.position.value_or(0));
  const std::size_t size = fault.token.size();
  if (size > 0 && size <= at && source.substr(at - size, size) == fault.token) return at - size;
  return at;
}

/// Compiles `source`, which stands in the scalar's text from `begin`.
bool check_source(Reading& reading, const Node& node, std::size_t begin, std::string_view source,
                  const std::string& field, bool& passthrough) {
  const auto compiled = jsonata::Expression::compile(source);
  if (!compiled) {
    const jsonata::Fault& fault = compiled.error();
    reading.problem(offset_inside(reading.source(), node, begin + fault_offset(source, fault)), field,
                    fmt::format("not valid JSONata: {}", fault.message), fault.code);
    return false;
  }
  passthrough = passthrough || compiled->mentions("passthrough");
  return true;
}

}  // namespace

std::optional<Mapping> read_expression(Reading& reading, const Node& node, const std::string& field,
                                       bool& passthrough) {
  if (node.kind != Node::Kind::text) {
    reading.problem(node, field, fmt::format("must be a JSONata expression as text, but is {}", describe(node)),
                    "write \"|\" after the colon and the expression on the next lines, indented");
    return std::nullopt;
  }
  if (!check_source(reading, node, 0, node.text, field, passthrough)) return std::nullopt;
  return Mapping{node.text, reading.source().position(offset_inside(reading.source(), node, 0))};
}

void check_templates(Reading& reading, const Node& node, const std::string& field, bool& passthrough) {
  const std::string_view text = node.text;
  std::size_t open = text.find("{{");
  while (open != std::string_view::npos) {
    const std::size_t close = text.find("}}", open);
    if (close == std::string_view::npos) {
      reading.problem(offset_inside(reading.source(), node, open), field, "\"{{\" has no closing \"}}\"",
                      "close the template");
      return;
    }
    check_source(reading, node, open + 2, text.substr(open + 2, close - open - 2), field, passthrough);
    open = text.find("{{", close + 2);
  }
}

}  // namespace millrace::flow
