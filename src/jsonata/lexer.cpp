#include "jsonata/lexer.hpp"

#include <cmath>
#include <string>

#include "jsonata/failure.hpp"
#include "jsonata/number.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::string_view single_operators = ".[]{}(),@#;:?+-*/%|=<>^&!~";
constexpr std::string_view double_operators[] = {"..", ":=", "!=", ">=", "<=", "**", "~>", "?:", "??"};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v';
}
bool is_operator(char c) {
  return c != '\0' && single_operators.find(c) != std::string_view::npos;
}

}  // namespace

Lexer::Lexer(Arena& arena, std::string_view source) : arena_(arena), source_(source), ascii_(is_ascii(source)) {}

std::int64_t Lexer::position_of(std::size_t offset) {
  if (offset > source_.size()) offset = source_.size();
  if (ascii_) return static_cast<std::int64_t>(offset);
  if (offset < counted_bytes_) counted_bytes_ = counted_units_ = 0;
  counted_units_ += count_utf16(source_.substr(counted_bytes_, offset - counted_bytes_));
  counted_bytes_ = offset;
  return static_cast<std::int64_t>(counted_units_);
}

void Lexer::skip_blanks() {
  for (;;) {
    while (at_ < source_.size() && is_blank(source_[at_])) ++at_;
    if (at(at_) != '/' || at(at_ + 1) != '*') return;
    std::size_t close = source_.find("*/", at_ + 2);
    if (close == std::string_view::npos) throw Failure{.code = "S0106", .position = position_of(at_)};
    at_ = close + 2;
  }
}

Token Lexer::operator_of(std::size_t length) {
  std::string_view text = source_.substr(at_, length);
  at_ += length;
  return Token{.kind = Token::Kind::op, .value = Value::of(text), .position = position_of(at_)};
}

Token Lexer::next(bool after_operand) {
  skip_blanks();
  if (at_ >= source_.size())
    return Token{.kind = Token::Kind::end, .value = Value::of("(end)"), .position = end_position()};
  char c = source_[at_];
  if (!after_operand && c == '/') return regex();
  for (std::string_view op : double_operators) {
    if (source_.substr(at_, 2) == op) return operator_of(2);
  }
  if (is_operator(c)) return operator_of(1);
  if (c == '"' || c == '\'') return string(c);
  if (c >= '0' && c <= '9') {
    std::size_t used = 0;
    auto number = read_json_number(source_.substr(at_), used);
    std::string_view text = source_.substr(at_, used);
    if (!std::isfinite(*number)) throw Failure{.code = "S0102", .position = position_of(at_), .token = Value::of(text)};
    at_ += used;
    return Token{.kind = Token::Kind::number, .value = Value::of(*number), .position = position_of(at_)};
  }
  if (c == '`') {
    std::size_t close = source_.find('`', at_ + 1);
    if (close == std::string_view::npos) throw Failure{.code = "S0105", .position = end_position()};
    std::string_view text = source_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    return Token{.kind = Token::Kind::quoted_name, .value = Value::of(text), .position = position_of(at_)};
  }
  return name();
}

Token Lexer::name() {
  std::size_t from = at_;
  while (at_ < source_.size() && !is_blank(source_[at_]) && !is_operator(source_[at_])) ++at_;
  std::string_view text = source_.substr(from, at_ - from);
  Token token{.kind = Token::Kind::name, .value = Value::of(text), .position = position_of(at_)};
  if (text[0] == '$') {
    token.kind = Token::Kind::variable;
    token.value = Value::of(text.substr(1));
  } else if (text == "and" || text == "or" || text == "in") {
    token.kind = Token::Kind::op;
  } else if (text == "true" || text == "false") {
    token.kind = Token::Kind::constant;
    token.value = Value::boolean_of(text == "true");
  } else if (text == "null") {
    token.kind = Token::Kind::constant;
    token.value = Value::null();
  }
  return token;
}

Token Lexer::string(char quote) {
  std::size_t plain_end = source_.find_first_of(quote == '"' ? "\"\\" : "'\\", at_ + 1);
  if (plain_end != std::string_view::npos && source_[plain_end] == quote) {
    std::string_view text = source_.substr(at_ + 1, plain_end - at_ - 1);
    at_ = plain_end + 1;
    return Token{.kind = Token::Kind::string, .value = Value::of(text), .position = position_of(at_)};
  }
  std::string text;
  for (++at_; at_ < source_.size(); ++at_) {
    char c = source_[at_];
    if (c == quote) {
      ++at_;
      std::string joined;  // surrogates written as two escapes become one code point
      for (std::size_t i = 0; i < text.size();) {
        std::size_t next = i;
        std::uint32_t high = next_code_point(text, next);
        if (high >= 0xd800 && high < 0xdc00 && next < text.size()) {
          std::size_t after = next;
          std::uint32_t low = next_code_point(text, after);
          if (low >= 0xdc00 && low < 0xe000) {
            append_code_point(joined, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            i = after;
            continue;
          }
        }
        joined.append(text, i, next - i);
        i = next;
      }
      return Token{.kind = Token::Kind::string, .value = Value::of(arena_.copy(joined)), .position = position_of(at_)};
    }
    if (c != '\\') {
      text += c;
      continue;
    }
    ++at_;
    switch (at(at_)) {
      case '"':
      case '\\':
      case '/':
        text += source_[at_];
        break;
      case 'b':
        text += '\b';
        break;
      case 'f':
        text += '\f';
        break;
      case 'n':
        text += '\n';
        break;
      case 'r':
        text += '\r';
        break;
      case 't':
        text += '\t';
        break;
      case 'u':
        append_code_point(text, hex4());
        break;
      default: {
        if (at_ >= source_.size()) throw Failure{.code = "S0103", .position = end_position(), .token = Value::of("")};
        std::string_view what = source_.substr(at_, code_point_bytes(source_, at_));
        throw Failure{.code = "S0103", .position = position_of(at_), .token = Value::of(what)};
      }
    }
  }
  throw Failure{.code = "S0101", .position = end_position()};
}

/// Reads the four digits behind `\u`, leaving the place on the last of them.
std::uint32_t Lexer::hex4() {
  std::uint32_t code = 0;
  for (std::size_t i = 1; i <= 4; ++i) {
    char c = at(at_ + i);
    std::uint32_t digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<std::uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<std::uint32_t>(c - 'A' + 10);
    else
      throw Failure{.code = "S0104", .position = position_of(at_)};
    code = code << 4 | digit;
  }
  at_ += 4;
  return code;
}

Token Lexer::regex() {
  std::size_t from = ++at_;
  int depth = 0;
  bool escaped = false;
  for (; at_ < source_.size(); ++at_) {
    char c = source_[at_];
    if (c == '/' && !escaped && depth == 0) {
      std::string_view pattern = source_.substr(from, at_ - from);
      if (pattern.empty()) throw Failure{.code = "S0301", .position = position_of(at_)};
      std::size_t flags = ++at_;
      while (at(at_) == 'i' || at(at_) == 'm') ++at_;
      return Token{.kind = Token::Kind::regex,
                   .value = Value::of(pattern),
                   .regex_flags = source_.substr(flags, at_ - flags),
                   .position = position_of(at_)};
    }
    if (!escaped && (c == '(' || c == '[' || c == '{')) ++depth;
    if (!escaped && (c == ')' || c == ']' || c == '}')) --depth;
    escaped = c == '\\' && !escaped;
  }
  throw Failure{.code = "S0302", .position = end_position()};
}

}  // namespace millrace::jsonata
