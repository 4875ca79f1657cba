#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "jsonata/functions/library.hpp"
#include "jsonata/functions/rounding.hpp"
#include "jsonata/number.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

/// `0x…`, `0b…`, `0o…` of the whole text.
bool prefixed_number(std::string_view text, double& number) {
  if (text.size() < 3 || text[0] != '0') return false;
  int base = text[1] == 'x' || text[1] == 'X'   ? 16
             : text[1] == 'b' || text[1] == 'B' ? 2
             : text[1] == 'o' || text[1] == 'O' ? 8
                                                : 0;
  if (base == 0) return false;
  number = 0;
  for (char c : text.substr(2)) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;
    if (digit >= base) return false;
    number = number * base + digit;
  }
  return true;
}

Value number(const Call& c) {
  Value value = c[0];
  if (value.is_undefined() || value.is_number()) return value;
  if (value.is_boolean()) return Value::of(value.boolean ? 1.0 : 0.0);
  if (value.is_string()) {
    std::string_view text = value.string();
    bool negative = !text.empty() && text[0] == '-';
    if (negative) text.remove_prefix(1);
    while (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') text.remove_prefix(1);
    std::size_t used = 0;
    bool signed_twice = !text.empty() && text[0] == '-';
    auto read = read_json_number(text, used);
    if (read && !signed_twice && used == text.size() && std::isfinite(*read))
      return Value::of(negative ? -*read : *read);
    double other = 0;
    if (prefixed_number(value.string(), other)) return Value::of(other);
  }
  throw Failure{.code = "D3030", .value = value, .index = 1};
}

Value abs(const Call& c) {
  return c[0].is_undefined() ? Value{} : Value::of(std::fabs(c[0].number));
}
Value floor(const Call& c) {
  return c[0].is_undefined() ? Value{} : Value::of(std::floor(c[0].number));
}
Value ceil(const Call& c) {
  return c[0].is_undefined() ? Value{} : Value::of(std::ceil(c[0].number));
}

Value round(const Call& c) {
  if (c[0].is_undefined()) return {};
  return Value::of(round_half_even(c[0].number, c[1].is_undefined() ? 0 : c[1].number));
}

Value power(const Call& c) {
  if (c[0].is_undefined()) return {};
  double exponent = c[1].is_undefined() ? NAN : c[1].number;
  double result = std::pow(c[0].number, exponent);
  if (std::isnan(exponent) || (std::isinf(exponent) && std::fabs(c[0].number) == 1)) result = NAN;  // as ECMAScript
  if (!std::isfinite(result)) throw Failure{.code = "D3061", .value = c[0], .index = 1, .exponent = c[1]};
  return Value::of(result);
}

Value sqrt(const Call& c) {
  if (c[0].is_undefined()) return {};
  if (c[0].number < 0) throw Failure{.code = "D3060", .value = c[0], .index = 1};
  return Value::of(std::sqrt(c[0].number));
}

Value random(const Call& c) {
  return Value::of(static_cast<double>(c.evaluator.random() >> 11) * 0x1.0p-53);
}

Value sum(const Call& c) {
  if (c[0].is_undefined()) return {};
  double total = 0;
  for (Value item : *c[0].array) total += item.number;
  return Value::of(total);
}

Value count(const Call& c) {
  if (c[0].is_undefined()) return Value::of(0.0);
  return Value::of(static_cast<double>(c[0].array->size));
}

Value max(const Call& c) {
  if (c[0].is_undefined() || c[0].array->size == 0) return {};
  double best = c[0].array->items[0].number;
  for (Value item : *c[0].array) best = item.number > best ? item.number : best;
  return Value::of(best);
}

Value min(const Call& c) {
  if (c[0].is_undefined() || c[0].array->size == 0) return {};
  double best = c[0].array->items[0].number;
  for (Value item : *c[0].array) best = item.number < best ? item.number : best;
  return Value::of(best);
}

Value average(const Call& c) {
  if (c[0].is_undefined() || c[0].array->size == 0) return {};
  double total = 0;
  for (Value item : *c[0].array) total += item.number;
  return Value::of(total / c[0].array->size);
}

Value boolean(const Call& c) {
  return c[0].is_undefined() ? Value{} : Value::boolean_of(Evaluator::truth(c[0]));
}

Value negate(const Call& c) {
  return c[0].is_undefined() ? Value{} : Value::boolean_of(!Evaluator::truth(c[0]));
}

const BuiltIn functions[] = {
    {"number", number, "<(nsb)-:n>", 1, {}, {}}, {"abs", abs, "<n-:n>", 1, {}, {}},
    {"floor", floor, "<n-:n>", 1, {}, {}},       {"ceil", ceil, "<n-:n>", 1, {}, {}},
    {"round", round, "<n-n?:n>", 2, {}, {}},     {"power", power, "<n-n:n>", 2, {}, {}},
    {"sqrt", sqrt, "<n-:n>", 1, {}, {}},         {"random", random, "<:n>", 0, {}, {}},
    {"sum", sum, "<a<n>:n>", 1, {}, {}},         {"count", count, "<a:n>", 1, {}, {}},
    {"max", max, "<a<n>:n>", 1, {}, {}},         {"min", min, "<a<n>:n>", 1, {}, {}},
    {"average", average, "<a<n>:n>", 1, {}, {}}, {"boolean", boolean, "<x-:b>", 1, {}, {}},
    {"not", negate, "<x-:b>", 1, {}, {}},
};

}  // namespace

double round_half_even(double number, double precision) {
  if (std::isnan(precision)) precision = 0;
  // Shifting by a power of ten is exact in decimal: done on the digits, as 1.005 is meant and not as it is stored.
  auto shift = [](double n, int by) {
    if (!std::isfinite(n)) return std::nan("");
    char text[number_text_max + 16];
    std::size_t size = print_number(n, text);
    std::string_view printed{text, size};
    int exponent = 0;
    std::size_t e = printed.find('e');
    if (e != std::string_view::npos) exponent = std::atoi(std::string(printed.substr(e + 1)).c_str());
    std::string shifted(printed.substr(0, e));
    shifted += 'e';
    shifted += std::to_string(exponent + by);
    return std::strtod(shifted.c_str(), nullptr);
  };
  if (precision != 0 && precision != std::trunc(precision)) return std::nan("");
  const int places = static_cast<int>(std::clamp(precision, -10'000.0, 10'000.0));
  double scaled = places == 0 ? number : shift(number, places);
  double result = std::floor(scaled);
  if (scaled - result >= 0.5) ++result;
  if (result - scaled == 0.5 && std::fmod(result, 2) != 0) --result;
  if (places != 0) result = shift(result, -places);
  return result == 0 ? 0.0 : result;
}

Family number_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
