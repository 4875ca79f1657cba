#include <algorithm>
#include <cmath>
#include <string>

#include "jsonata/functions/format_number.hpp"
#include "jsonata/functions/integer_picture.hpp"
#include "jsonata/functions/library.hpp"
#include "jsonata/functions/rounding.hpp"

namespace millrace::jsonata {
namespace {

Value format_number_by(const Call& c) {
  if (c[0].is_undefined()) return {};
  return Value::of(c.arena.copy(format_number(c.arena, c[0].number, picture_of(c[1]), c[2])));
}

Value format_base(const Call& c) {
  if (c[0].is_undefined()) return {};
  double value = round_half_even(c[0].number, 0);
  double radix = c[1].is_undefined() ? 10 : round_half_even(c[1].number, 0);
  if (radix < 2 || radix > 36) throw Failure{.code = "D3100", .value = Value::of(radix)};
  if (value == 0) return Value::of("0");
  if (!std::isfinite(value)) return Value::of(std::isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
  if (radix == 10) return Value::of(c.evaluator.text_of(Value::of(value)));
  // Digits beyond a double's precision are zeros, as V8 prints them.
  std::string text;
  double rest = std::fabs(value);
  for (double precision = (rest - std::nextafter(rest, 0)) / 2; precision >= radix; precision /= radix) {
    rest /= radix;
    text += '0';
  }
  do {
    double digit = std::fmod(rest, radix);
    text += "0123456789abcdefghijklmnopqrstuvwxyz"[static_cast<int>(digit)];
    rest = (rest - digit) / radix;
  } while (rest > 0);
  if (value < 0) text += '-';
  std::reverse(text.begin(), text.end());
  return Value::of(c.arena.copy(text));
}

Value format_integer_by(const Call& c) {
  if (c[0].is_undefined()) return {};
  IntegerPicture picture = IntegerPicture::parse(picture_of(c[1]));
  return keeping_failures(c, [&] { return Value::of(c.arena.copy(format_integer(std::floor(c[0].number), picture))); });
}

Value parse_integer_by(const Call& c) {
  if (c[0].is_undefined()) return {};
  IntegerPicture picture = IntegerPicture::parse(picture_of(c[1]));
  return keeping_failures(c, [&] { return Value::of(parse_integer(c[0].string(), picture)); });
}

const BuiltIn functions[] = {
    {"formatNumber", format_number_by, "<n-so?:s>", 3, {}, {}},
    {"formatBase", format_base, "<n-n?:s>", 2, {}, {}},
    {"formatInteger", format_integer_by, "<n-s:s>", 2, {}, {}},
    {"parseInteger", parse_integer_by, "<s-s:n>", 2, {}, {}},
};

}  // namespace

Family number_text_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
