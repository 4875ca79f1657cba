#pragma once

#include <cstdint>
#include <string_view>

#include "jsonata/value.hpp"

namespace millrace::jsonata {

struct Token {
  enum class Kind : std::uint8_t { end, name, quoted_name, variable, string, number, constant, regex, op };
  Kind kind = Kind::end;
  Value value{};  ///< name, text of the operator, pattern of the regex, or the literal
  std::string_view regex_flags{};
  std::int64_t position = 0;  ///< behind the token, in UTF-16 code units

  bool is(std::string_view op) const { return kind == Kind::op && value.string() == op; }
};

/// Splits an expression into tokens, one by one because `/` means two things. Throws Failure S01xx, S0204, S03xx.
class Lexer {
 public:
  Lexer(Arena& arena, std::string_view source);
  /// `after_operand`: a `/` divides here; otherwise it starts a regular expression.
  Token next(bool after_operand);
  std::int64_t end_position() { return position_of(source_.size()); }

 private:
  void skip_blanks();
  Token regex();
  Token string(char quote);
  Token name();
  Token operator_of(std::size_t length);
  std::uint32_t hex4();
  std::int64_t position_of(std::size_t offset);
  char at(std::size_t offset) const { return offset < source_.size() ? source_[offset] : '\0'; }

  Arena& arena_;
  std::string_view source_;
  bool ascii_;
  std::size_t at_ = 0;
  std::size_t counted_bytes_ = 0;  ///< up to here the source has counted_units_ UTF-16 code units
  std::size_t counted_units_ = 0;
};

}  // namespace millrace::jsonata
