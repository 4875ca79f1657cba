#include <algorithm>

#include "flow/document.hpp"

namespace millrace::flow {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

/// Where the scalar itself begins, after an anchor or a tag.
std::size_t after_properties(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == '&' || text[at] == '!')) {
    while (at < text.size() && !is_space(text[at])) ++at;
    at = skip_spaces(text, at);
  }
  return at;
}

std::size_t leading_spaces(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (at + count < text.size() && text[at + count] == ' ') ++count;
  return count;
}

std::string_view line_at(std::string_view text, std::size_t start) {
  return start >= text.size() ? std::string_view() : text.substr(start, text.find('\n', start) - start);
}

/// `|`: the value's lines are the file's lines without their indentation (YAML 1.2.2 §8.1.2).
std::size_t offset_in_literal(const Source& source, std::size_t header, std::string_view value, std::size_t wanted) {
  const std::size_t first_line = source.position(header).line + 1;
  const std::size_t text_begin = value.find_first_not_of("\n ");
  std::size_t indent = 0;
  if (text_begin != std::string_view::npos) {
    const auto line = static_cast<std::size_t>(
        std::count(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(text_begin), '\n'));
    const std::size_t value_line =
        value.rfind('\n', text_begin) == std::string_view::npos ? 0 : value.rfind('\n', text_begin) + 1;
    indent = leading_spaces(source.text(), source.line_start(first_line + line)) - (text_begin - value_line);
  }
  const std::string_view before = value.substr(0, wanted);
  const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t column =
      before.rfind('\n') == std::string_view::npos ? before.size() : before.size() - before.rfind('\n') - 1;
  const std::size_t start = source.line_start(first_line + line);
  return start + std::min(indent + column, line_at(source.text(), start).size());
}

/// Bytes of the file and of the value that one escape of a double-quoted scalar takes (YAML 1.2.2 §5.7).
struct Escape {
  std::size_t in_file;
  std::size_t in_value;
};

Escape escape_at(std::string_view text, std::size_t at) {
  const char kind = at + 1 < text.size() ? text[at + 1] : '\\';
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits > 0) {
    const std::string_view hex = text.substr(at + 2, digits);
    const unsigned long code = std::stoul("0" + std::string(hex), nullptr, 16);
    return {2 + digits, code < 0x80u ? 1u : code < 0x800u ? 2u : code < 0x10000u ? 3u : 4u};
  }
  if (kind == '\n' || kind == '\r') return {skip_spaces(text, at + 1) - at, 0};
  if (kind == 'N' || kind == '_') return {2, 2};
  if (kind == 'L' || kind == 'P') return {2, 3};
  return {2, 1};
}

/// Walks value and file side by side. A line break with the white space around it is one fold.
std::size_t offset_in_flow(std::string_view text, std::size_t at, std::string_view value, std::size_t wanted,
                           char quote) {
  std::size_t i = 0;
  while (i < wanted && at < text.size()) {
    if (quote == '"' && text[at] == '\\') {
      const Escape escape = escape_at(text, at);
      if (escape.in_value > 0 && i + escape.in_value > wanted) return at;
      at += escape.in_file;
      i += escape.in_value;
    } else if (quote == '\'' && text[at] == '\'') {
      at += 2;
      ++i;
    } else if (is_space(text[at]) && line_at(text, at).find_first_not_of(" \t\r") == std::string_view::npos) {
      at = skip_spaces(text, at);
      while (i < value.size() && is_space(value[i])) ++i;
    } else {
      ++at;
      ++i;
    }
  }
  while (quote == '"' && text.substr(at, 1) == "\\" && escape_at(text, at).in_value == 0)
    at += escape_at(text, at).in_file;
  return std::min(at, text.size());
}

}  // namespace

std::size_t content_offset(const Source& source, const Node& scalar) {
  return after_properties(source.text(), scalar.offset);
}

std::size_t offset_inside(const Source& source, const Node& scalar, std::size_t value_offset) {
  const std::string_view text = source.text();
  const std::size_t begin = content_offset(source, scalar);
  const std::string_view value = scalar.text;
  const std::size_t wanted = std::min(value_offset, value.size());
  if (begin >= text.size()) return scalar.offset;
  if (scalar.plain) return offset_in_flow(text, begin, value, wanted, 0);
  switch (text[begin]) {
    case '|':
      return offset_in_literal(source, begin, value, wanted);
    case '>':
      return offset_in_flow(text, skip_spaces(text, begin + line_at(text, begin).size()), value, wanted, 0);
    case '"':
    case '\'':
      return offset_in_flow(text, begin + 1, value, wanted, text[begin]);
    default:
      return scalar.offset;
  }
}

}  // namespace millrace::flow
