#include "jsonata/functions/integer_picture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "jsonata/failure.hpp"
#include "jsonata/number.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::uint32_t digit_zeros[] = {0x30,   0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6,
                                         0x0c66, 0x0ce6, 0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0,
                                         0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
                                         0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10};

struct Numeral {
  int value;
  std::string_view letters;
};
constexpr Numeral numerals[] = {{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"},
                                {40, "xl"},  {10, "x"},   {9, "ix"},  {5, "v"},    {4, "iv"},  {1, "i"}};

std::string map_case(std::string text, bool upper) {
  for (char& c : text) {
    bool letter = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
    if (letter) c = static_cast<char>(c ^ 0x20);
  }
  return text;
}

std::string roman(double value) {
  if (value > 1e6) throw Failure{.code = "U1002"};
  std::string text;
  for (const Numeral& numeral : numerals) {
    for (; value >= numeral.value; value -= numeral.value) text.append(numeral.letters);
  }
  return text;
}

double roman_value(std::string_view text) {
  double total = 0, largest = 1;
  for (std::size_t i = text.size(); i > 0; --i) {
    constexpr std::string_view letters = "MDCLXVI";
    constexpr double values[] = {1000, 500, 100, 50, 10, 5, 1};
    std::size_t at = letters.find(text[i - 1]);
    if (at == std::string_view::npos) return NAN;
    if (values[at] < largest) {
      total -= values[at];
    } else {
      largest = values[at];
      total += values[at];
    }
  }
  return total;
}

std::string letters(double value) {
  std::string text;
  for (; value > 0; value = std::floor((value - 1) / 26))
    text.insert(text.begin(), static_cast<char>('a' + static_cast<int>(std::fmod(value - 1, 26))));
  return text;
}

/// Every how many digits the same separator stands; 0: irregularly.
std::size_t regular_distance(const std::vector<IntegerPicture::Separator>& separators) {
  if (separators.empty()) return 0;
  std::size_t factor = 0;
  for (const auto& separator : separators) {
    if (separator.character != separators[0].character) return 0;
    factor = std::gcd(factor, separator.position);
  }
  for (std::size_t i = 1; i <= separators.size(); ++i) {
    if (std::none_of(separators.begin(), separators.end(), [&](const auto& s) { return s.position == i * factor; }))
      return 0;
  }
  return factor;
}

std::string digits_of(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : "Infinity";
  char text[number_text_max];
  return {text, print_number(value, text)};
}

std::string format_decimal(double value, const IntegerPicture& picture) {
  std::string digits = digits_of(value);
  if (digits.size() < picture.mandatory_digits) digits.insert(0, picture.mandatory_digits - digits.size(), '0');
  std::string text;
  auto separator_before = [&](std::size_t remaining) -> std::uint32_t {
    if (remaining == digits.size()) return 0;
    if (picture.regular) {
      const auto& separator = picture.separators[0];
      return remaining % separator.position == 0 && remaining > 0 ? separator.character : 0;
    }
    for (const auto& separator : picture.separators) {
      if (separator.position == remaining && remaining > 0) return separator.character;
    }
    return 0;
  };
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (std::uint32_t separator = separator_before(digits.size() - i)) append_code_point(text, separator);
    char c = digits[i];
    if (c >= '0' && c <= '9') {
      append_code_point(text, picture.zero + static_cast<std::uint32_t>(c - '0'));
    } else {
      text += c;
    }
  }
  if (picture.ordinal) {
    char last = digits.back();
    bool teen = digits.size() > 1 && digits[digits.size() - 2] == '1';
    text += teen ? "th" : last == '1' ? "st" : last == '2' ? "nd" : last == '3' ? "rd" : "th";
  }
  return text;
}

constexpr double roman_max = 1e9;  // a million letters M

}  // namespace

IntegerPicture IntegerPicture::parse(std::string_view text) {
  IntegerPicture picture;
  std::string_view primary = text;
  std::size_t semicolon = text.rfind(';');
  if (semicolon != std::string_view::npos) {
    primary = text.substr(0, semicolon);
    picture.ordinal = text.substr(semicolon + 1, 1) == "o";
  }
  auto named = [&](Primary kind, Case letter_case) {
    picture.primary = kind;
    picture.letter_case = letter_case;
    return picture;
  };
  if (primary == "A") return named(Primary::letters, Case::upper);
  if (primary == "a") return named(Primary::letters, Case::lower);
  if (primary == "I") return named(Primary::roman, Case::upper);
  if (primary == "i") return named(Primary::roman, Case::lower);
  if (primary == "W") return named(Primary::words, Case::upper);
  if (primary == "Ww") return named(Primary::words, Case::title);
  if (primary == "w") return named(Primary::words, Case::lower);
  std::vector<std::uint32_t> code_points;
  for (std::size_t at = 0; at < primary.size();) code_points.push_back(next_code_point(primary, at));
  std::size_t position = 0;
  bool zero_known = false;
  for (auto c = code_points.rbegin(); c != code_points.rend(); ++c) {
    auto zero = std::find_if(std::begin(digit_zeros), std::end(digit_zeros),
                             [&](std::uint32_t z) { return *c >= z && *c <= z + 9; });
    if (zero != std::end(digit_zeros)) {
      ++picture.mandatory_digits;
      ++position;
      if (zero_known && *zero != picture.zero) throw Failure{.code = "D3131"};
      picture.zero = *zero;
      zero_known = true;
    } else if (*c == '#') {
      ++position;
      ++picture.optional_digits;
    } else {
      picture.separators.push_back({position, *c});
    }
  }
  if (picture.mandatory_digits == 0) {
    picture.primary = Primary::sequence;
    picture.token = primary;
    return picture;
  }
  std::size_t distance = regular_distance(picture.separators);
  if (distance > 0) {
    picture.regular = true;
    picture.separators = {{distance, picture.separators[0].character}};
  }
  return picture;
}

std::string format_integer(double value, const IntegerPicture& picture) {
  bool negative = value < 0;
  value = std::fabs(value);
  std::string text;
  bool upper = picture.letter_case == IntegerPicture::Case::upper;
  const bool numeral =
      picture.primary == IntegerPicture::Primary::letters || picture.primary == IntegerPicture::Primary::roman;
  if (numeral && std::isnan(value)) return "";
  if (!std::isfinite(value) && (numeral || picture.primary == IntegerPicture::Primary::words))
    throw Failure{.code = "D1001", .value = Value::of(value)};
  switch (picture.primary) {
    case IntegerPicture::Primary::letters:
      text = map_case(letters(value), upper);
      break;
    case IntegerPicture::Primary::roman:
      if (value > roman_max) throw Failure{.code = "U1002"};
      text = map_case(roman(value), upper);
      break;
    case IntegerPicture::Primary::words:
      text = words_of(value, picture.ordinal);
      if (picture.letter_case != IntegerPicture::Case::title) text = map_case(text, upper);
      break;
    case IntegerPicture::Primary::decimal:
      text = format_decimal(value, picture);
      break;
    case IntegerPicture::Primary::sequence:
      throw Failure{.code = "D3130", .value = Value::of(picture.token)};
  }
  return negative ? "-" + text : text;
}

double parse_integer(std::string_view text, const IntegerPicture& picture) {
  switch (picture.primary) {
    case IntegerPicture::Primary::letters: {
      std::vector<double> ranks;  // of UTF-16 code units, which need not be letters
      const double before_first = (picture.letter_case == IntegerPicture::Case::upper ? 'A' : 'a') - 1.0;
      for (std::size_t at = 0; at < text.size();) {
        std::uint32_t c = next_code_point(text, at);
        if (c > 0xffff) {
          ranks.push_back(0xd800 + ((c - 0x10000) >> 10) - before_first);
          c = 0xdc00 + (c & 0x3ff);
        }
        ranks.push_back(c - before_first);
      }
      double value = 0;
      for (std::size_t i = 0; i < ranks.size(); ++i)
        value += ranks[ranks.size() - 1 - i] * std::pow(26, static_cast<double>(i));
      return value;
    }
    case IntegerPicture::Primary::roman:
      return roman_value(picture.letter_case == IntegerPicture::Case::upper ? std::string(text)
                                                                            : map_case(std::string(text), true));
    case IntegerPicture::Primary::words:
      return number_of_words(map_case(std::string(text), false));
    case IntegerPicture::Primary::sequence:
      throw Failure{.code = "D3130", .value = Value::of(picture.token)};
    case IntegerPicture::Primary::decimal:
      break;
  }
  if (picture.ordinal) text = text.substr(0, text.size() < 2 ? 0 : text.size() - 2);
  std::string digits;
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t c = next_code_point(text, at);
    if (picture.regular ? c == ','
                        : std::any_of(picture.separators.begin(), picture.separators.end(),
                                      [&](const auto& s) { return s.character == c; }))
      continue;
    if (picture.zero != '0' && c >= picture.zero && c <= picture.zero + 9) c = c - picture.zero + '0';
    append_code_point(digits, c);
  }
  // parseInt: blanks, a sign, digits, and whatever follows is ignored
  std::size_t at = digits.find_first_not_of(" \t\n\r");
  if (at == std::string::npos) return NAN;
  bool negative = digits[at] == '-';
  if (negative || digits[at] == '+') ++at;
  std::size_t from = at;
  double value = 0;
  for (; at < digits.size() && digits[at] >= '0' && digits[at] <= '9'; ++at) value = value * 10 + (digits[at] - '0');
  if (at == from) return NAN;
  return negative ? -value : value;
}

}  // namespace millrace::jsonata
