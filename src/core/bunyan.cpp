#include "core/bunyan.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace millrace::log {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal.
std::optional<Level> level_of(const json::object& from) {
  const auto* level = from.if_contains("level");
  if (level == nullptr || !level->is_int64()) return std::nullopt;
  const auto number = level->get_int64();
  if (number >= 50) return Level::error;
  if (number >= 40) return Level::warning;
  return number >= 30 ? Level::info : Level::debug;
}

}  // namespace

std::optional<BunyanLine> parse_bunyan(std::string_view text) {
  if (!text.starts_with('{')) return std::nullopt;
  boost::system::error_code failed;
  const auto value = json::parse(text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  const auto& object = value.get_object();
  const auto* message = object.if_contains("msg");
  if (message == nullptr || !message->is_string()) return std::nullopt;
  const auto* error = object.if_contains("err");
  return BunyanLine{level_of(object), std::string(message->get_string()),
                    error != nullptr && error->is_object() ? text_of(error->get_object(), "message") : std::string(),
                    text_of(object, "threadId"), text_of(object, "messageId")};
}

}  // namespace millrace::log
