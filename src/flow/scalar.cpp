#include "flow/scalar.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace millrace::flow {
namespace {

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr std::string_view decimal = "0123456789";
constexpr std::string_view hexadecimal = "0123456789abcdefABCDEF";

std::string_view unsigned_part(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text;
}

bool looks_integer(std::string_view text) {
  if (text.starts_with("0x")) return all_of(text.substr(2), hexadecimal);
  if (text.starts_with("0o")) return all_of(text.substr(2), "01234567");
  return all_of(unsigned_part(text), decimal);
}

bool looks_number(std::string_view text) {
  text = unsigned_part(text);
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos && !all_of(unsigned_part(text.substr(exponent + 1)), decimal)) return false;
  text = text.substr(0, exponent);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view part = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (whole.empty()) return all_of(part, decimal);
  return all_of(whole, decimal) && (part.empty() || all_of(part, decimal));
}

std::optional<unsigned> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size() || !all_of(text.substr(at, 4), hexadecimal)) return std::nullopt;
  unsigned value = 0;
  std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  return value;
}

/// The code point of a surrogate pair's two escapes at `at`.
std::optional<unsigned> surrogate_pair(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) != "\\u" || text.substr(at + 6 <= text.size() ? at + 6 : at, 2) != "\\u") return std::nullopt;
  const auto high = hex4(text, at + 2);
  const auto low = hex4(text, at + 8);
  if (!high || !low || *high < 0xD800 || *high > 0xDBFF || *low < 0xDC00 || *low > 0xDFFF) return std::nullopt;
  return 0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00);
}

}  // namespace

Node::Kind kind_of_plain(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return Node::Kind::null;
  if (boolean_of(text)) return Node::Kind::boolean;
  if (looks_integer(text)) return Node::Kind::integer;
  if (looks_number(text)) return Node::Kind::number;
  return Node::Kind::text;
}

std::optional<std::int64_t> integer_of(std::string_view text) {
  if (!looks_integer(text)) return std::nullopt;
  int base = 10;
  if (text.starts_with("0x")) base = 16;
  if (text.starts_with("0o")) base = 8;
  if (base != 10) text.remove_prefix(2);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> number_of(std::string_view text) {
  if (const auto whole = integer_of(text)) return static_cast<double>(*whole);
  if (!looks_number(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<bool> boolean_of(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

bool is_quote_closed(std::string_view text, std::size_t at) {
  const char quote = at < text.size() ? text[at] : ' ';
  if (quote != '"' && quote != '\'') return true;
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    const bool doubled = quote == '\'' && text.substr(i, 2) == "''";
    if (doubled || (quote == '"' && text[i] == '\\')) {
      ++i;
    } else if (text[i] == quote) {
      return true;
    }
  }
  return false;
}

std::string readable_by_yaml(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && text[first] == '{';
  if (!json || text.find("\\u") == std::string_view::npos) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else if (const auto code = surrogate_pair(text, i)) {
      out += fmt::format("\\U{:08x}", *code);
      i += 11;
    } else {
      out += text[i];
      out += text[++i];
    }
  }
  return out;
}

}  // namespace millrace::flow
