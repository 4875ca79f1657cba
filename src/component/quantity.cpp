#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <boost/json/value.hpp>

#include "component/config.hpp"

namespace millrace::component {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 5> time_units = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 8> size_units = {{{"B", 1},
                                             {"kB", 1e3},
                                             {"KB", 1e3},
                                             {"MB", 1e6},
                                             {"GB", 1e9},
                                             {"KiB", 1 << 10},
                                             {"MiB", 1 << 20},
                                             {"GiB", 1 << 30}}};

/// Takes a non-negative decimal number off the front; false if there is none.
bool take_number(std::string_view& text, double& number) {
  if (text.empty() || !((text[0] >= '0' && text[0] <= '9') || text[0] == '.')) return false;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (failed != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::string_view take_unit(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && std::isalpha(static_cast<unsigned char>(text[length])) != 0) ++length;
  const auto unit = text.substr(0, length);
  text.remove_prefix(length);
  return unit;
}

constexpr double most = 1e15;

Error bad_duration() {
  return {Error::Kind::invalid, "must be a duration such as \"30s\", \"5m\" or \"1h30m\", or a number of seconds"};
}

Error bad_size() {
  return {Error::Kind::invalid, "must be a size such as \"10MB\" or \"64KiB\", or a number of bytes"};
}

bool plain_number(const boost::json::value& value, double& number) {
  boost::system::error_code failed;
  number = value.is_number() ? value.to_number<double>(failed) : -1;
  return !failed && number >= 0 && number < most;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(const boost::json::value& value) {
  double number = 0;
  if (value.is_number()) {
    if (!plain_number(value, number)) return bad_duration();
    return std::chrono::milliseconds(std::llround(number));
  }
  if (!value.is_string()) return bad_duration();
  std::string_view text = value.get_string();
  double total = 0;
  std::size_t next_unit = 0;
  bool any = false;
  while (!text.empty()) {
    if (!take_number(text, number)) return bad_duration();
    const auto unit = take_unit(text);
    if (unit.empty() && !any && text.empty()) {
      total = number * 1000;
      any = true;
      break;
    }
    while (next_unit < time_units.size() && time_units[next_unit].name != unit) ++next_unit;
    if (next_unit == time_units.size()) return bad_duration();
    total += number * time_units[next_unit++].factor;
    any = true;
  }
  if (!any || total > most) return bad_duration();
  return std::chrono::milliseconds(std::llround(total));
}

Result<std::uint64_t> parse_size(const boost::json::value& value) {
  double number = 0;
  if (value.is_number()) {
    if (!plain_number(value, number)) return bad_size();
    return static_cast<std::uint64_t>(number);
  }
  if (!value.is_string()) return bad_size();
  std::string_view text = value.get_string();
  if (!take_number(text, number)) return bad_size();
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const auto unit = take_unit(text);
  if (!text.empty()) return bad_size();
  if (unit.empty()) return static_cast<std::uint64_t>(number);
  for (const auto& known : size_units) {
    if (known.name == unit && number * known.factor < most) return static_cast<std::uint64_t>(number * known.factor);
  }
  return bad_size();
}

std::string duration_text(std::chrono::milliseconds duration) {
  std::string text;
  auto rest = duration.count();
  for (const auto& [name, factor] : time_units) {
    const auto unit = static_cast<std::int64_t>(factor);
    if (rest < unit) continue;
    text.append(std::to_string(rest / unit)).append(name);
    rest %= unit;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace millrace::component
