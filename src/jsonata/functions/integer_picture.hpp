#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::jsonata {

/// A picture for whole numbers, as `$formatInteger` and the parts of date pictures take it
/// (https://www.w3.org/TR/xpath-functions-31/#formatting-integers).
struct IntegerPicture {
  enum class Primary { decimal, letters, roman, words, sequence };
  enum class Case { lower, upper, title };
  struct Separator {
    std::size_t position;  ///< digits to the right of it
    std::uint32_t character;
  };

  Primary primary = Primary::decimal;
  Case letter_case = Case::lower;
  bool ordinal = false;
  std::uint32_t zero = '0';
  std::size_t mandatory_digits = 0;
  std::size_t optional_digits = 0;
  bool regular = false;  ///< separators[0] repeats every `position` digits
  std::vector<Separator> separators;
  std::string token;  ///< sequence: the picture nobody supports

  /// Throws Failure D3131.
  static IntegerPicture parse(std::string_view picture);
};

/// Throws Failure D3130, whose value lives as long as the picture.
std::string format_integer(double value, const IntegerPicture& picture);
/// NaN where the text is none. Throws Failure D3130, whose value lives as long as the picture.
double parse_integer(std::string_view text, const IntegerPicture& picture);

std::string words_of(double value, bool ordinal);
double number_of_words(std::string_view lower_case_text);
/// All words a number may be written with, as alternatives of a regular expression.
std::string word_alternatives();

}  // namespace millrace::jsonata
