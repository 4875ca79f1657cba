#include "app/time_argument.hpp"

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "component/config.hpp"
#include "core/time/timestamp.hpp"

namespace millrace::app {

Result<std::int64_t> time_argument(const std::string& text, const std::string& flag) {
  if (const auto time = parse_timestamp(text)) return time->time_since_epoch().count();
  const auto ago = component::parse_duration(boost::json::value(text));
  if (!ago) {
    return Error{
        Error::Kind::invalid,
        fmt::format("{} {}: write a time such as 2026-01-31T12:00:00Z, or how long ago, such as 10m", flag, text)};
  }
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return (now - *ago).time_since_epoch().count();
}

}  // namespace millrace::app
