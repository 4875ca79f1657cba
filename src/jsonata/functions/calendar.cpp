#include "jsonata/functions/calendar.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include "jsonata/regex_program.hpp"

namespace millrace::jsonata {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Days since 1970-01-01 of a day in the proleptic Gregorian calendar; month counts from 1.
double days_of(double year, double month, double day) {
  double y = month <= 2 ? year - 1 : year;
  double era = std::floor(y / 400);
  double year_of_era = y - era * 400;
  double day_of_year = std::floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  double day_of_era = year_of_era * 365 + std::floor(year_of_era / 4) - std::floor(year_of_era / 100) + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

double first_of(double year, double month) {  // month may overflow
  double index = year * 12 + month - 1;
  return days_of(std::floor(index / 12), index - std::floor(index / 12) * 12 + 1, 1) * millis_per_day;
}

double weekday_of(double millis) {
  double day = std::floor(millis / millis_per_day) + 3;
  return day - std::floor(day / 7) * 7 + 1;
}

/// The Monday on which the first week of a month (or year) begins: the week with its first Thursday.
double first_week(double year, double month) {
  double first = first_of(year, month);
  double weekday = weekday_of(first);
  return weekday > 4 ? first + (8 - weekday) * millis_per_day : first - (weekday - 1) * millis_per_day;
}

double weeks_between(double from, double to) {
  return (to - from) / (7 * millis_per_day) + 1;
}

double week_in(double today, double start, double following, double previous, double weeks_max) {
  double week = weeks_between(start, today);
  if (week > weeks_max) {
    if (today >= following) week = 1;
  } else if (week < 1) {
    week = weeks_between(previous, today);
  }
  return std::floor(week);
}

}  // namespace

Moment moment_of(double millis) {
  if (!(std::fabs(millis) <= 8.64e15)) return {nan, nan, nan, nan, nan, nan, nan, nan};
  constexpr std::int64_t day_millis = 86'400'000, era_days = 146'097;
  auto floor_divide = [](std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); };
  const auto whole = static_cast<std::int64_t>(millis);
  const std::int64_t days = floor_divide(whole, day_millis);
  const std::int64_t rest = whole - days * day_millis;
  const std::int64_t since = days + 719'468;  // 0000-03-01
  const std::int64_t era = floor_divide(since, era_days);
  const std::int64_t day = since - era * era_days;
  const std::int64_t year = (day - day / 1460 + day / 36'524 - day / 146'096) / 365;
  const std::int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;  // months from March
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  Moment m{};
  m.year = static_cast<double>(year + era * 400 + (month <= 2 ? 1 : 0));
  m.month = static_cast<double>(month);
  m.day = static_cast<double>(day_of_year - (153 * shifted + 2) / 5 + 1);
  m.hour = static_cast<double>(rest / 3'600'000);
  m.minute = static_cast<double>(rest / 60'000 % 60);
  m.second = static_cast<double>(rest / 1000 % 60);
  m.millisecond = static_cast<double>(rest % 1000);
  m.weekday = static_cast<double>((days % 7 + 10) % 7 + 1);
  return m;
}

double utc_millis(double year, double month, double day, double hour, double minute, double second,
                  double millisecond) {
  year = std::trunc(year);
  if (year >= 0 && year <= 99) year += 1900;
  double start = first_of(year, month + 1);
  double millis = start + (day - 1) * millis_per_day + hour * 3'600'000 + minute * 60'000 + second * 1000 + millisecond;
  return std::fabs(millis) <= 8.64e15 ? millis : nan;
}

double fragment_of(const Moment& m, char component) {
  auto is_week = std::string_view("dWwXx").find(component) != std::string_view::npos;
  const double today = is_week ? days_of(m.year, m.month, m.day) * millis_per_day : 0;
  switch (component) {
    case 'Y':
      return m.year;
    case 'M':
      return m.month;
    case 'D':
      return m.day;
    case 'd':
      return (today - first_of(m.year, 1)) / millis_per_day + 1;
    case 'F':
      return m.weekday;
    case 'W':
      return week_in(today, first_week(m.year, 1), first_week(m.year + 1, 1), first_week(m.year - 1, 1), 52);
    case 'w':
      return week_in(today, first_week(m.year, m.month), first_week(m.year, m.month + 1),
                     first_week(m.year, m.month - 1), 4);
    case 'X':
      if (today < first_week(m.year, 1)) return m.year - 1;
      return today >= first_week(m.year + 1, 1) ? m.year + 1 : m.year;
    case 'x':
      if (today < first_week(m.year, m.month)) return m.month == 1 ? 12 : m.month - 1;
      return today >= first_week(m.year, m.month + 1) ? (m.month == 12 ? 1 : m.month + 1) : m.month;
    case 'H':
      return m.hour;
    case 'h':
      return std::fmod(m.hour, 12) == 0 ? 12 : std::fmod(m.hour, 12);
    case 'P':
      return m.hour >= 12 ? 1 : 0;
    case 'm':
      return m.minute;
    case 's':
      return m.second;
    case 'f':
      return m.millisecond;
    default:
      return 0;
  }
}

std::optional<double> parse_iso(std::string_view text) {
  std::size_t at = 0;
  auto digits = [&](std::size_t count, double& value) {
    if (at + count > text.size()) return false;
    value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      char c = text[at + i];
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    at += count;
    return true;
  };
  auto skip = [&](char c) { return at < text.size() && text[at] == c ? (++at, true) : false; };
  double year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0, zone = 0;
  bool fits = [&] {
    if (!digits(4, year)) return false;
    if (skip('-')) {
      if (!digits(2, month)) return false;
      if (skip('-') && !digits(2, day)) return false;
    }
    if (!skip('T')) {
      skip('Z');
      return at == text.size();
    }
    if (!digits(2, hour) || !skip(':') || !digits(2, minute) || !skip(':') || !digits(2, second)) return false;
    if (skip('.')) {
      std::size_t from = at;
      double scale = 100;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale = std::floor(scale / 10))
        millisecond += (text[at] - '0') * scale;
      if (at == from) return false;
    }
    if (skip('Z')) return at == text.size();
    if (at == text.size()) return true;
    double sign = text[at] == '-' ? -1 : 1;
    double zone_hour = 0, zone_minute = 0;
    if (!skip('+') && !skip('-')) return false;
    if (!digits(2, zone_hour)) return false;
    skip(':');
    if (!digits(2, zone_minute)) return false;
    if (zone_hour > 23) return false;
    zone = sign * (zone_hour * 60 + zone_minute);
    return at == text.size();
  }();
  static const RegexProgram form(
      "^\\d{4}(-[01]\\d)?(-[0-3]\\d)?(T[0-2]\\d:[0-5]\\d:[0-5]\\d)?(\\.\\d+)?([+-][0-2]\\d:?[0-5]\\d|Z)?$", "", 0);
  bool plausible = fits && month < 20 && day < 40 && hour < 30 && minute < 60 && second < 60;
  if (!plausible) {
    RegexProgram::Match match;
    if (!form.search(text, 0, match)) return std::nullopt;
    if (!fits) return nan;
  }
  bool valid = month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
               (hour < 24 || (hour == 24 && minute == 0 && second == 0 && millisecond == 0));
  if (!valid) return nan;
  return (days_of(year, month, day)) * millis_per_day + hour * 3'600'000 + minute * 60'000 + second * 1000 +
         millisecond - zone * 60'000;
}

}  // namespace millrace::jsonata
