#include "core/time/timestamp.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace millrace {
namespace {
using namespace std::chrono;

/// Takes `width` digits and the character after them off the front.
std::optional<int> take(std::string_view& text, std::size_t width, std::string_view ends) {
  int value = 0;
  if (text.size() <= width || ends.find(text[width]) == std::string_view::npos) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + width, value);
  if (error != std::errc() || end != text.data() + width || value < 0) return std::nullopt;
  text.remove_prefix(width);
  return value;
}

}  // namespace

std::string to_timestamp(sys_time<milliseconds> time) {
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                          static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                          clock.minutes().count(), clock.seconds().count());
  if (clock.subseconds().count() > 0) text += fmt::format(".{:03}", clock.subseconds().count());
  return text + "Z";
}

Result<sys_time<milliseconds>> parse_timestamp(std::string_view text) {
  const Error wrong{Error::Kind::invalid, fmt::format("\"{}\" is no time like 2026-11-24T09:56:17Z", text)};
  struct Part {
    std::size_t width;
    std::string_view ends;
  };
  constexpr Part parts[] = {{4, "-"}, {2, "-"}, {2, "T"}, {2, ":"}, {2, ":"}, {2, ".Z"}};
  int values[6] = {};
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    const auto value = take(text, parts[i].width, parts[i].ends);
    if (!value) return wrong;
    values[i] = *value;
    if (i + 1 < std::size(parts)) text.remove_prefix(1);
  }
  int milli = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const auto value = take(text, 3, "Z");
    if (!value) return wrong;
    milli = *value;
  }
  const auto date = year(values[0]) / month(static_cast<unsigned>(values[1])) / day(static_cast<unsigned>(values[2]));
  if (text != "Z" || !date.ok() || values[3] > 23 || values[4] > 59 || values[5] > 59) return wrong;
  return sys_time<milliseconds>(sys_days(date)) + hours(values[3]) + minutes(values[4]) + seconds(values[5]) +
         milliseconds(milli);
}

}  // namespace millrace
