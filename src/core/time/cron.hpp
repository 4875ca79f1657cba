#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.hpp"
#include "core/time/time_zone.hpp"

namespace millrace {

/// A cron expression: `minute hour day-of-month month weekday`, optionally with seconds in front, or one of @hourly,
/// @daily (@midnight), @weekly, @monthly, @yearly (@annually). Fields as in crontab(5): `*`, numbers, names of months
/// and weekdays in English (jan, mon), ranges `a-b`, steps `*/n` and `a-b/n`, lists of these with commas; weekday 0 and
/// 7 are Sunday; where neither day-of-month nor weekday begins with `*`, a day that fits either one will do.
///
/// When clocks change (also as Debian's cron does it): an expression with `*` in hour or minute follows the clock on
/// the wall; one with fixed hours and minutes fires once: at the end of the gap if its time is skipped, the first time
/// only if its time comes twice.
class Cron {
 public:
  /// Error::invalid names the field, what is wrong with it and what it may be; also for a date that never comes
  /// (`0 0 30 2 *`).
  static Result<Cron> parse(std::string_view text);

  /// The first time after `time` at which it fires.
  std::chrono::sys_seconds next(std::chrono::sys_seconds time, const TimeZone& zone) const;

 private:
  Cron() = default;
  std::optional<std::chrono::local_seconds> first_from(std::chrono::local_seconds time) const;
  bool fits_day(std::chrono::local_days day) const;
  std::optional<std::chrono::sys_seconds> find(std::chrono::sys_seconds time, const TimeZone& zone) const;

  // Bit n: the field holds n.
  std::uint64_t seconds_ = 1;
  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t weekdays_ = 0;
  bool either_day_ = false;         ///< day-of-month or weekday, instead of both
  bool follows_the_clock_ = false;  ///< hour or minute has `*`
};

}  // namespace millrace
