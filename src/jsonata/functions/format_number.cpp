#include "jsonata/functions/format_number.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include "jsonata/failure.hpp"
#include "jsonata/functions/rounding.hpp"
#include "jsonata/number.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

using Text = std::u32string;
constexpr std::size_t none = Text::npos;
constexpr std::size_t places_max = 100;  ///< behind the point, as Number.prototype.toFixed has it; the rest are zeros

Text wide(std::string_view text) {
  Text result;
  for (std::size_t at = 0; at < text.size();) result += static_cast<char32_t>(next_code_point(text, at));
  return result;
}

/// The characters that mean something in a picture.
struct Symbols {
  Text decimal_separator = U".";
  Text grouping_separator = U",";
  Text exponent_separator = U"e";
  Text infinity = U"Infinity";
  Text minus_sign = U"-";
  Text nan = U"NaN";
  Text percent = U"%";
  Text per_mille = U"\u2030";
  Text zero_digit = U"0";
  Text digit = U"#";
  Text pattern_separator = U";";

  Symbols(Arena& arena, Value options) {
    if (!options.is_object()) return;
    auto take = [&](std::string_view name, Text& to) {
      const Value* value = options.object->find(arena, Key::of(name));
      if (value != nullptr && value->is_string()) to = wide(value->string());
    };
    take("decimal-separator", decimal_separator);
    take("grouping-separator", grouping_separator);
    take("exponent-separator", exponent_separator);
    take("infinity", infinity);
    take("minus-sign", minus_sign);
    take("NaN", nan);
    take("percent", percent);
    take("per-mille", per_mille);
    take("zero-digit", zero_digit);
    take("digit", digit);
    take("pattern-separator", pattern_separator);
  }

  char32_t zero() const { return zero_digit.empty() ? U'0' : zero_digit[0]; }
  bool is_digit(char32_t c) const { return c >= zero() && c <= zero() + 9; }
  bool is_optional(char32_t c) const { return digit.size() == 1 && c == digit[0]; }
  bool is(const Text& symbol, char32_t c) const { return symbol.size() == 1 && symbol[0] == c; }
  bool is_active(char32_t c) const {
    return is_digit(c) || is_optional(c) || is(decimal_separator, c) || is(exponent_separator, c) ||
           is(grouping_separator, c) || is(pattern_separator, c);
  }
  std::size_t count_digits(const Text& text) const {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [&](char32_t c) { return is_digit(c); }));
  }
  std::size_t count_places(const Text& text) const {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [&](char32_t c) { return is_digit(c) || is_optional(c); }));
  }
};

struct SubPicture {
  Text text, prefix, suffix, active, mantissa, exponent, integer, fraction;
  bool has_exponent = false;
  bool percent = false, per_mille = false;
  std::vector<std::size_t> integer_groups, fraction_groups;
  std::size_t regular_group = 0;
  std::size_t integer_min = 0, scaling = 0, fraction_min = 0, fraction_max = 0, exponent_min = 0;
};

void split(SubPicture& p, const Symbols& s) {
  auto edge = [&](char32_t c) { return s.is_active(c) && !s.is(s.exponent_separator, c); };
  auto first = std::find_if(p.text.begin(), p.text.end(), edge);
  std::size_t from = first == p.text.end() ? 0 : static_cast<std::size_t>(first - p.text.begin());
  std::size_t to = p.text.size();
  if (first != p.text.end()) {
    while (to > from && !edge(p.text[to - 1])) --to;
  }
  p.prefix = p.text.substr(0, from);
  p.suffix = p.text.substr(to);
  p.active = p.text.substr(from, to - from);
  std::size_t e = s.exponent_separator.empty() ? none : p.text.find(s.exponent_separator, from);
  if (e == none || e > p.text.size() - p.suffix.size()) {
    p.mantissa = p.active;
  } else {
    p.has_exponent = true;
    p.mantissa = p.active.substr(0, e);
    p.exponent = e + 1 <= p.active.size() ? p.active.substr(e + 1) : Text{};
  }
  std::size_t point = p.mantissa.find(s.decimal_separator);
  if (point == none) {
    p.integer = p.mantissa;
    p.fraction = p.suffix;
  } else {
    p.integer = p.mantissa.substr(0, point);
    p.fraction = p.mantissa.substr(point + s.decimal_separator.size());
  }
}

/// Of several faults the last one named in the specification counts.
const char* fault_of(const SubPicture& p, const Symbols& s) {
  const char* code = nullptr;
  auto twice = [&](const Text& symbol) { return p.text.find(symbol) != p.text.rfind(symbol); };
  auto has = [&](const Text& symbol) { return p.text.find(symbol) != none; };
  if (twice(s.decimal_separator)) code = "D3081";
  if (twice(s.percent)) code = "D3082";
  if (twice(s.per_mille)) code = "D3083";
  if (has(s.percent) && has(s.per_mille)) code = "D3084";
  if (s.count_places(p.mantissa) == 0) code = "D3085";
  if (std::any_of(p.active.begin(), p.active.end(), [&](char32_t c) { return !s.is_active(c); })) code = "D3086";
  std::size_t point = p.text.find(s.decimal_separator);
  const Text& g = s.grouping_separator;
  if (point != none) {
    bool before = point > 0 && s.is(g, p.text[point - 1]);
    bool after = point + 1 < p.text.size() && s.is(g, p.text[point + 1]);
    if (before || after) code = "D3087";
  } else if (!p.integer.empty() && s.is(g, p.integer.back())) {
    code = "D3088";
  }
  if (p.text.find(g + g) != none) code = "D3089";
  std::size_t optional = p.integer.find(s.digit);
  if (optional != none && s.count_digits(p.integer.substr(0, optional)) > 0) code = "D3090";
  optional = p.fraction.rfind(s.digit);
  if (optional != none && s.count_digits(p.fraction.substr(optional)) > 0) code = "D3091";
  if (p.has_exponent && !p.exponent.empty() && (has(s.percent) || has(s.per_mille))) code = "D3092";
  if (p.has_exponent && (p.exponent.empty() || s.count_digits(p.exponent) != p.exponent.size())) code = "D3093";
  return code;
}

/// Places left of (or right of) each grouping separator. Like the reference, later separators are looked for where they
/// stand in the integer part, also for the fraction.
std::vector<std::size_t> group_positions(const Text& part, const Text& integer, bool to_left, const Symbols& s) {
  std::vector<std::size_t> positions;
  if (s.grouping_separator.empty()) return positions;
  std::size_t at = part.find(s.grouping_separator);
  while (at != none) {
    positions.push_back(s.count_places(to_left ? part.substr(0, at) : at < part.size() ? part.substr(at) : Text{}));
    at = integer.find(s.grouping_separator, at + 1);
  }
  return positions;
}

void analyze(SubPicture& p, const Symbols& s) {
  p.integer_groups = group_positions(p.integer, p.integer, false, s);
  p.fraction_groups = group_positions(p.fraction, p.integer, true, s);
  std::size_t factor = 0;
  for (std::size_t position : p.integer_groups) factor = std::gcd(factor, position);
  p.regular_group = factor;
  for (std::size_t i = 1; i <= p.integer_groups.size(); ++i) {
    if (std::find(p.integer_groups.begin(), p.integer_groups.end(), i * factor) == p.integer_groups.end())
      p.regular_group = 0;
  }
  p.integer_min = p.scaling = s.count_digits(p.integer);
  p.fraction_min = s.count_digits(p.fraction);
  p.fraction_max = s.count_places(p.fraction);
  if (p.integer_min == 0 && p.fraction_max == 0) {
    if (p.has_exponent) {
      p.fraction_min = p.fraction_max = 1;
    } else {
      p.integer_min = 1;
    }
  }
  if (p.has_exponent && p.integer_min == 0 && p.integer.find(s.digit) != none) p.integer_min = 1;
  if (p.integer_min == 0 && p.fraction_min == 0) p.fraction_min = 1;
  p.exponent_min = p.has_exponent ? s.count_digits(p.exponent) : 0;
  p.percent = p.text.find(s.percent) != none;
  p.per_mille = p.text.find(s.per_mille) != none;
}

Text fixed(double number, std::size_t places, const Symbols& s) {
  number = std::fabs(number);
  std::array<char, 512> text;
  std::size_t size = 0;
  if (!std::isfinite(number)) return std::isnan(number) ? U"NaN" : U"Infinity";
  if (number >= 1e21) {
    size = print_number(number, text.data());
  } else {
    size = static_cast<std::size_t>(
        std::snprintf(text.data(), text.size(), "%.*f", static_cast<int>(std::min(places, places_max)), number));
  }
  Text result;
  for (std::size_t i = 0; i < size; ++i) {
    char c = text[i];
    result += c >= '0' && c <= '9' ? s.zero() + static_cast<char32_t>(c - '0') : static_cast<char32_t>(c);
  }
  return result;
}

Text digits_by(const SubPicture& p, double mantissa, const Symbols& s) {
  Text text =
      fixed(round_half_even(mantissa, static_cast<double>(std::min(p.fraction_max, places_max))), p.fraction_max, s);
  std::size_t point = text.find(U'.');
  if (point == none) {
    text += s.decimal_separator;
  } else {
    text.replace(point, 1, s.decimal_separator);
  }
  while (!text.empty() && text.front() == s.zero()) text.erase(0, 1);
  while (!text.empty() && text.back() == s.zero()) text.pop_back();
  auto find_point = [&] {
    return std::min(text.find(s.decimal_separator), text.size());
  };  // it may have looked like a zero
  point = find_point();
  if (p.integer_min > point) text.insert(0, p.integer_min - point, s.zero());
  point = find_point();
  std::size_t fraction = point < text.size() ? text.size() - point - 1 : 0;
  if (p.fraction_min > fraction) text.append(p.fraction_min - fraction, s.zero());
  if (p.regular_group > 0) {
    std::size_t groups = point == 0 ? 0 : (point - 1) / p.regular_group;
    for (std::size_t g = 1; g <= groups; ++g) text.insert(point - g * p.regular_group, s.grouping_separator);
  } else {
    std::size_t moved = point;
    for (std::size_t position : p.integer_groups) {
      if (position > moved) continue;
      text.insert(moved - position, s.grouping_separator);
      ++moved;
    }
  }
  point = find_point();
  for (std::size_t position : p.fraction_groups) {
    if (point + position + 1 <= text.size()) text.insert(point + position + 1, s.grouping_separator);
  }
  point = find_point();
  if (!text.empty() && (p.text.find(s.decimal_separator) == none || point == text.size() - 1)) text.pop_back();
  return text;
}

}  // namespace

std::string format_number(Arena& arena, double number, std::string_view picture_text, Value options) {
  Symbols s(arena, options);
  Text whole = wide(picture_text);
  std::vector<SubPicture> pictures;
  for (std::size_t from = 0; from <= whole.size();) {
    std::size_t to = s.pattern_separator.empty() ? none : whole.find(s.pattern_separator, from);
    pictures.emplace_back().text = whole.substr(from, to == none ? none : to - from);
    if (to == none) break;
    from = to + s.pattern_separator.size();
  }
  if (pictures.size() > 2) throw Failure{.code = "D3080"};
  for (SubPicture& p : pictures) {
    split(p, s);
    if (const char* code = fault_of(p, s)) throw Failure{.code = code};
    analyze(p, s);
  }
  if (pictures.size() == 1) {
    pictures.push_back(pictures[0]);
    pictures[1].prefix = s.minus_sign + pictures[1].prefix;
  }
  const SubPicture& p = number >= 0 ? pictures[0] : pictures[1];
  double mantissa = p.percent ? number * 100 : p.per_mille ? number * 1000 : number;
  int exponent = 0;
  if (p.exponent_min > 0 && mantissa != 0 && std::isfinite(mantissa)) {
    double most = std::pow(10, static_cast<double>(p.scaling));
    double least = std::pow(10, static_cast<double>(p.scaling) - 1);
    for (; std::fabs(mantissa) < least; --exponent) mantissa *= 10;
    for (; std::fabs(mantissa) > most; ++exponent) mantissa /= 10;
  }
  Text text = digits_by(p, mantissa, s);
  if (p.exponent_min > 0) {
    Text digits = fixed(exponent, 0, s);
    if (digits.size() < p.exponent_min) digits.insert(0, p.exponent_min - digits.size(), s.zero());
    text += s.exponent_separator + (exponent < 0 ? s.minus_sign : Text{}) + digits;
  }
  std::string result;
  for (char32_t c : p.prefix + text + p.suffix) append_code_point(result, static_cast<std::uint32_t>(c));
  return result;
}

}  // namespace millrace::jsonata
