#include "flow/expression.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/nearest.hpp"
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

/// Where the fault's token begins: the reference engine counts to its end. The end of the source is that of its text.
std::size_t fault_offset(std::string_view source, const jsonata::Fault& fault) {
  const std::size_t end = source.find_last_not_of(" \t\r\n") + 1;
  const std::size_t at = std::min(end, byte_offset(source, fault.position.value_or(0)));
  const std::size_t size = fault.token.size();
  if (size > 0 && size <= at && source.substr(at - size, size) == fault.token) return at - size;
  return at;
}

/// For suggestions only; https://docs.jsonata.org/overview.html, function library.
const std::vector<std::string> library = {"abs",
                                          "append",
                                          "assert",
                                          "average",
                                          "base64decode",
                                          "base64encode",
                                          "boolean",
                                          "ceil",
                                          "clone",
                                          "contains",
                                          "count",
                                          "decodeUrl",
                                          "decodeUrlComponent",
                                          "distinct",
                                          "each",
                                          "encodeUrl",
                                          "encodeUrlComponent",
                                          "error",
                                          "eval",
                                          "exists",
                                          "filter",
                                          "floor",
                                          "formatBase",
                                          "formatInteger",
                                          "formatNumber",
                                          "fromMillis",
                                          "join",
                                          "keys",
                                          "length",
                                          "lookup",
                                          "lowercase",
                                          "map",
                                          "match",
                                          "max",
                                          "merge",
                                          "millis",
                                          "min",
                                          "not",
                                          "now",
                                          "number",
                                          "pad",
                                          "parseInteger",
                                          "power",
                                          "random",
                                          "reduce",
                                          "replace",
                                          "reverse",
                                          "round",
                                          "shuffle",
                                          "sift",
                                          "single",
                                          "sort",
                                          "split",
                                          "spread",
                                          "sqrt",
                                          "string",
                                          "substring",
                                          "substringAfter",
                                          "substringBefore",
                                          "sum",
                                          "toMillis",
                                          "trim",
                                          "type",
                                          "uppercase",
                                          "zip"};

/// Functions that neither the source nor the library defines: calling one could only fail.
template <class Expression>
void check_functions(Reading& reading, const Node& node, std::size_t begin, const std::string& field,
                     const Expression& expression, std::string_view source) {
  if constexpr (requires { expression.free_names(); }) {
    for (const auto& free : expression.free_names()) {
      if (!free.called) continue;
      const std::size_t end = byte_offset(source, free.position);
      const std::size_t at = end - std::min(end, free.name.size() + 1);
      const auto meant = nearest(free.name, library);
      reading.problem(offset_inside(reading.source(), node, begin + at), field,
                      fmt::format("JSONata has no function ${}", free.name),
                      meant ? fmt::format("did you mean \"${}\"?", *meant)
                            : std::string("see https://docs.jsonata.org/overview.html"));
    }
  }
}

/// Compiles `source`, which stands in the scalar's text from `begin`.
bool check_source(Reading& reading, const Node& node, std::size_t begin, std::string_view source,
                  const std::string& field, bool& passthrough, bool others = false) {
  const auto compiled = jsonata::Expression::compile(source);
  if (!compiled) {
    const jsonata::Fault& fault = compiled.error();
    reading.problem(offset_inside(reading.source(), node, begin + fault_offset(source, fault)), field,
                    fmt::format("not valid JSONata: {}", fault.message), fault.code);
    return false;
  }
  if (!others) check_functions(reading, node, begin, field, *compiled, source);
  passthrough = passthrough || compiled->mentions("passthrough");
  return true;
}

}  // namespace

std::optional<Mapping> read_expression(Reading& reading, const Node& node, const std::string& field, bool& passthrough,
                                       bool others) {
  if (node.kind != Node::Kind::text) {
    reading.problem(node, field, fmt::format("must be a JSONata expression as text, but is {}", describe(node)),
                    "write \"|\" after the colon and the expression on the next lines, indented");
    return std::nullopt;
  }
  if (!check_source(reading, node, 0, node.text, field, passthrough, others)) return std::nullopt;
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
