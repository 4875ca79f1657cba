#include "components/http/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string>

namespace millrace::components {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest = std::chrono::hours(24);

std::optional<unsigned> month_number(std::string_view name) {
  constexpr std::array<std::string_view, 12> names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin()) + 1;
}

/// IMF-fixdate, RFC 850 and asctime forms (RFC 9110 §5.6.7).
std::optional<io::WallTime> parse_http_date(const std::string& text) {
  int day = 0;
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  char month[4] = {};
  const auto comma = text.find(',');
  if (comma != std::string::npos) {
    const char* rest = text.c_str() + comma + 1;
    if (std::sscanf(rest, "%d %3s %d %d:%d:%d", &day, month, &year, &hour, &minute, &second) != 6) {
      if (std::sscanf(rest, "%d-%3s-%d %d:%d:%d", &day, month, &year, &hour, &minute, &second) != 6) return {};
      year += year < 70 ? 2000 : year < 100 ? 1900 : 0;
    }
  } else if (std::sscanf(text.c_str(), "%*s %3s %d %d:%d:%d %d", month, &day, &hour, &minute, &second, &year) != 6) {
    return std::nullopt;
  }
  const auto number = month_number(month);
  if (!number || hour > 23 || minute > 59 || second > 60 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(*number),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace

std::optional<milliseconds> parse_retry_after(std::string_view value, io::WallTime now) {
  if (value.empty()) return std::nullopt;
  std::uint64_t seconds = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (end == value.data() + value.size()) {
    const auto day = static_cast<std::uint64_t>(longest.count() / 1000);
    if (failed == std::errc::result_out_of_range) return longest;
    return milliseconds(static_cast<std::int64_t>(std::min(seconds, day)) * 1000);
  }
  const auto date = parse_http_date(std::string(value));
  if (!date) return std::nullopt;
  return std::clamp<milliseconds>(*date - now, milliseconds(0), longest);
}

}  // namespace millrace::components
