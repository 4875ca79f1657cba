#include "core/time/cron.hpp"

#include <bit>
#include <charconv>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/check.hpp"

namespace millrace {
namespace {
using namespace std::chrono;

struct Field {
  std::string_view name;
  unsigned min;
  unsigned max;
  std::vector<std::string_view> names;  ///< of the values from `min` on
};

const std::vector<Field>& fields() {
  static const std::vector<Field> all = {
      {"second", 0, 59, {}},
      {"minute", 0, 59, {}},
      {"hour", 0, 23, {}},
      {"day of month", 1, 31, {}},
      {"month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
      {"weekday", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}}};
  return all;
}

/// No date is farther away than a 29 February on a given weekday across a year like 2100: 40 years.
constexpr auto horizon = days(366 * 41);

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> words(std::string_view text) {
  auto parts = split(text, " \t\n\r");
  std::erase(parts, std::string_view());
  return parts;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<unsigned> value_of(const Field& field, std::string_view text) {
  const auto name = lower(text);
  for (std::size_t i = 0; i < field.names.size(); ++i) {
    if (field.names[i] == name) return field.min + static_cast<unsigned>(i);
  }
  const auto value = number(text);
  if (value && *value >= field.min && *value <= field.max) return *value;
  const auto or_names =
      field.names.empty() ? std::string() : fmt::format(" or {} to {}", field.names.front(), field.names.back());
  return Error{Error::Kind::invalid,
               fmt::format("\"{}\" is not one of {} to {}{}", text, field.min, field.max, or_names)};
}

/// One part of a list: `*`, `5`, `1-5`, each optionally with `/step`.
Result<std::uint64_t> bits_of_part(const Field& field, std::string_view part) {
  const auto slash = part.find('/');
  const auto span = part.substr(0, slash);
  unsigned first = field.min;
  unsigned last = field.max;
  if (span != "*") {
    const auto dash = span.find('-');
    const auto from = value_of(field, span.substr(0, dash));
    if (!from) return from.error();
    first = *from;
    if (dash != std::string_view::npos) {
      const auto to = value_of(field, span.substr(dash + 1));
      if (!to) return to.error();
      last = *to;
    } else if (slash == std::string_view::npos) {
      last = first;
    }
  } else if (field.name == "weekday") {
    last = 6;
  }
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const auto given = number(part.substr(slash + 1));
    if (!given || *given == 0 || *given > field.max) {
      return Error{Error::Kind::invalid, fmt::format("the step of \"{}\" must be 1 to {}", part, field.max)};
    }
    step = *given;
  }
  if (first > last) {
    return Error{Error::Kind::invalid, fmt::format("the range \"{}\" ends before it begins", span)};
  }
  std::uint64_t bits = 0;
  for (auto value = first; value <= last; value += step) bits |= std::uint64_t{1} << value;
  return bits;
}

Result<std::uint64_t> bits_of(const Field& field, std::string_view text) {
  std::uint64_t bits = 0;
  for (const auto part : split(text, ",")) {
    const auto more = bits_of_part(field, part);
    if (!more) return more.error().in(fmt::format("cron: {}", field.name));
    bits |= *more;
  }
  return bits;
}

std::string_view expanded(std::string_view macro) {
  if (macro == "@hourly") return "0 * * * *";
  if (macro == "@daily" || macro == "@midnight") return "0 0 * * *";
  if (macro == "@weekly") return "0 0 * * 0";
  if (macro == "@monthly") return "0 0 1 * *";
  if (macro == "@yearly" || macro == "@annually") return "0 0 1 1 *";
  return macro;
}

/// The lowest value of at least `from` in the field; nullopt if there is none.
std::optional<unsigned> at_least(std::uint64_t bits, unsigned from) {
  const auto rest = bits >> from << from;
  if (rest == 0) return std::nullopt;
  return static_cast<unsigned>(std::countr_zero(rest));
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  auto parts = words(text);
  if (parts.size() == 1) parts = words(expanded(parts.front()));
  if (parts.size() != 5 && parts.size() != 6) {
    return Error{Error::Kind::invalid,
                 fmt::format("cron: \"{}\" has {} fields; 5 are expected (minute, hour, day of month, month, weekday), "
                             "or 6 with seconds first",
                             text, parts.size())};
  }
  Cron cron;
  std::uint64_t* const targets[] = {&cron.seconds_, &cron.minutes_, &cron.hours_,
                                    &cron.days_,    &cron.months_,  &cron.weekdays_};
  const auto first = fields().size() - parts.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto bits = bits_of(fields()[first + i], parts[i]);
    if (!bits) return bits.error();
    *targets[first + i] = *bits;
  }
  constexpr std::uint64_t seven = 1u << 7;
  if ((cron.weekdays_ & seven) != 0) cron.weekdays_ = (cron.weekdays_ & ~seven) | 1u;
  const auto end = parts.size();
  cron.either_day_ = !parts[end - 3].starts_with('*') && !parts[end - 1].starts_with('*');
  cron.follows_the_clock_ = parts[end - 5].starts_with('*') || parts[end - 4].starts_with('*');
  if (!cron.find(sys_days(2024y / January / 1), TimeZone::utc())) {
    return Error{Error::Kind::invalid, fmt::format("cron: the date of \"{}\" never comes", text)};
  }
  return cron;
}

bool Cron::fits_day(local_days day) const {
  const auto has = [](std::uint64_t bits, unsigned value) { return (bits >> value & 1u) != 0; };
  const year_month_day date(day);
  if (!has(months_, static_cast<unsigned>(date.month()))) return false;
  const bool by_date = has(days_, static_cast<unsigned>(date.day()));
  const bool by_weekday = has(weekdays_, weekday(day).c_encoding());
  return either_day_ ? by_date || by_weekday : by_date && by_weekday;
}

/// The first time on the wall at or after `time` that fits.
std::optional<local_seconds> Cron::first_from(local_seconds time) const {
  const auto end = time + horizon;
  for (auto day = floor<days>(time); day < end; day += days(1)) {
    if (!fits_day(day)) continue;
    const hh_mm_ss clock(std::max(time, local_seconds(day)) - day);
    const auto h = static_cast<unsigned>(clock.hours().count());
    auto m = static_cast<unsigned>(clock.minutes().count());
    auto s = static_cast<unsigned>(clock.seconds().count());
    for (auto hour = at_least(hours_, h); hour; hour = at_least(hours_, *hour + 1)) {
      if (*hour > h) m = s = 0;
      for (auto minute = at_least(minutes_, m); minute; minute = at_least(minutes_, *minute + 1)) {
        if (*minute > m) s = 0;
        if (const auto second = at_least(seconds_, s)) return day + hours(*hour) + minutes(*minute) + seconds(*second);
        s = 0;
      }
      m = s = 0;
    }
  }
  return std::nullopt;
}

std::optional<sys_seconds> Cron::find(sys_seconds time, const TimeZone& zone) const {
  const auto end = time + horizon;
  auto at = time + seconds(1);
  while (at < end) {
    const auto local = zone.to_local(at);
    const auto span_end = zone.next_change(at);
    const auto match = first_from(local);
    if (!match) return std::nullopt;
    const auto candidate = at + (*match - local);
    if (!span_end || candidate < *span_end) {
      if (follows_the_clock_ || !zone.is_second_pass(candidate)) return candidate;
      at = candidate + seconds(1);
      continue;
    }
    const bool in_gap = *match < zone.to_local(*span_end);
    if (in_gap && !follows_the_clock_) return *span_end;
    at = *span_end;
  }
  return std::nullopt;
}

sys_seconds Cron::next(sys_seconds time, const TimeZone& zone) const {
  const auto found = find(time, zone);
  MILLRACE_CHECK(found.has_value(), "a cron expression whose date never comes is not parsed");
  return *found;
}

}  // namespace millrace
