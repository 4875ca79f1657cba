#include "jsonata/number.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace millrace::jsonata {
namespace {

constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::size_t print_number(double number, char* to) {
  if (!std::isfinite(number)) {
    std::memcpy(to, "null", 4);
    return 4;
  }
  if (number == 0) {
    *to = '0';
    return 1;
  }
  if (std::fabs(number) < 9007199254740992.0 && number == static_cast<double>(static_cast<std::int64_t>(number)))
    return static_cast<std::size_t>(std::to_chars(to, to + number_text_max, static_cast<std::int64_t>(number)).ptr -
                                    to);
  // d.ddde±xx, rearranged below as ECMAScript lays the digits out
  char raw[40];
  char* raw_end = std::to_chars(raw, raw + sizeof raw, number, std::chars_format::scientific).ptr;
  char* out = to;
  char* at = raw;
  if (*at == '-') *out++ = *at++;
  char digits[24];
  std::size_t count = 0;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  int exponent = 0;
  ++at;
  bool negative = *at == '-';
  for (++at; at != raw_end; ++at) exponent = exponent * 10 + (*at - '0');
  if (negative) exponent = -exponent;
  int point = exponent + 1;  // the value is 0.digits × 10^point
  int n = static_cast<int>(count);
  auto put = [&](const char* from, int size) {
    std::memcpy(out, from, static_cast<std::size_t>(size));
    out += size;
  };
  if (n <= point && point <= 21) {
    put(digits, n);
    for (int i = n; i < point; ++i) *out++ = '0';
  } else if (0 < point && point <= 21) {
    put(digits, point);
    *out++ = '.';
    put(digits + point, n - point);
  } else if (-6 < point && point <= 0) {
    *out++ = '0';
    *out++ = '.';
    for (int i = point; i < 0; ++i) *out++ = '0';
    put(digits, n);
  } else {
    put(digits, 1);
    if (n > 1) {
      *out++ = '.';
      put(digits + 1, n - 1);
    }
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    out = std::to_chars(out, out + 6, std::abs(exponent)).ptr;
  }
  return static_cast<std::size_t>(out - to);
}

double to_15_digits(double number) {
  if (!std::isfinite(number)) return number;
  if (number == std::trunc(number)) return number;
  char text[40];
  std::snprintf(text, sizeof text, "%.14e", number);
  return std::strtod(text, nullptr);
}

std::optional<double> read_json_number(std::string_view text, std::size_t& used) {
  const char* at = text.data();
  const char* end = at + text.size();
  const char* start = at;
  bool negative = at != end && *at == '-';
  if (negative) ++at;
  if (at == end || !is_digit(*at)) return std::nullopt;
  std::uint64_t mantissa = 0;
  int digits = 0;
  int scale = 0;
  if (*at == '0') {
    ++at;
  } else {
    for (; at != end && is_digit(*at); ++at) {
      if (digits < 19) {
        mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
        ++digits;
      } else {
        digits = 100;
      }
    }
  }
  if (end - at >= 2 && *at == '.' && is_digit(at[1])) {
    for (++at; at != end && is_digit(*at); ++at) {
      if (digits < 19) {
        mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
        if (mantissa != 0) ++digits;
        --scale;
      } else {
        digits = 100;
      }
    }
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    const char* exponent = at + 1;
    bool exponent_negative = false;
    if (exponent != end && (*exponent == '+' || *exponent == '-')) exponent_negative = *exponent++ == '-';
    if (exponent != end && is_digit(*exponent)) {
      int value = 0;
      for (; exponent != end && is_digit(*exponent); ++exponent) {
        if (value < 100'000) value = value * 10 + (*exponent - '0');
      }
      scale += exponent_negative ? -value : value;
      at = exponent;
    }
  }
  used = static_cast<std::size_t>(at - start);
  double number = 0;
  if (digits <= 19 && mantissa < (std::uint64_t{1} << 53) && scale >= -22 && scale <= 22) {
    number = static_cast<double>(mantissa);
    number = scale < 0 ? number / powers[-scale] : number * powers[scale];
    return negative ? -number : number;
  }
  auto [stop, error] = std::from_chars(start, at, number);
  if (error == std::errc::result_out_of_range) return std::strtod(std::string(start, at).c_str(), nullptr);
  return number;
}

}  // namespace millrace::jsonata
