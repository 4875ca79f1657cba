#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::jsonata {

/// A moment in UTC, taken apart. All NaN for moments ECMAScript's Date cannot hold.
struct Moment {
  double year, month, day, hour, minute, second, millisecond;  ///< month and day count from 1
  double weekday;                                              ///< Monday 1 … Sunday 7
};

Moment moment_of(double millis);
/// As ECMAScript's Date.UTC: month counts from 0, everything may overflow, years 0–99 mean 1900–1999.
double utc_millis(double year, double month, double day, double hour = 0, double minute = 0, double second = 0,
                  double millisecond = 0);
/// The value of one component of a date picture ("YMDdFWwXxHhPmsf"); P is 0 or 1.
double fragment_of(const Moment& moment, char component);
/// An ISO 8601 timestamp as `$toMillis` takes it; NaN for one that names no moment; nullopt: not of that form.
std::optional<double> parse_iso(std::string_view text);

constexpr double millis_per_day = 86'400'000;

}  // namespace millrace::jsonata
