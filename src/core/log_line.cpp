#include "core/log_line.hpp"

#include <algorithm>
#include <array>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "core/time/timestamp.hpp"

namespace millrace::log {
namespace {

constexpr std::array<std::string_view, 4> names = {"debug", "info", "warning", "error"};

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\n\r\t") != std::string_view::npos;
}

void append_value(std::string& line, std::string_view value) {
  if (!needs_quotes(value)) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    if (c == '\n' || c == '\r') {
      line += c == '\n' ? "\\n" : "\\r";
    } else {
      line += c;
    }
  }
  line += '"';
}

/// Always with milliseconds, so that lines stand in columns.
std::string stamp(const Line& line) {
  const auto ms = line.time.time_since_epoch() % std::chrono::seconds(1);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", std::chrono::floor<std::chrono::seconds>(line.time), ms.count());
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

/// Takes a value off the front of `rest`; nothing if its quotes do not close.
std::optional<std::string> take_value(std::string_view& rest) {
  if (!rest.starts_with('"')) {
    const auto value = rest.substr(0, rest.find(' '));
    rest.remove_prefix(value.size());
    return std::string(value);
  }
  std::string value;
  for (std::size_t at = 1; at < rest.size(); ++at) {
    char c = rest[at];
    if (c == '"') {
      rest.remove_prefix(at + 1);
      return value;
    }
    if (c == '\\' && at + 1 < rest.size()) {
      c = rest[++at];
      c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
    }
    value += c;
  }
  return std::nullopt;
}

/// Facts are the words `name=value` at the end: an event has no "=".
std::size_t end_of_event(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return text.size();
  const auto space = text.rfind(' ', equals);
  return space == std::string_view::npos ? text.size() : space;
}

}  // namespace

std::string_view Line::fact(std::string_view name) const {
  for (const auto& [key, value] : facts) {
    if (key == name) return value;
  }
  return {};
}

std::string_view to_string(Level level) {
  return names[static_cast<std::size_t>(level)];
}

std::optional<Level> level_of(std::string_view text) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Level>(found - names.begin());
}

std::string to_text(const Line& line) {
  auto text = fmt::format("{} {} [{}] {}", stamp(line), to_string(line.level), line.who, line.event);
  for (const auto& [name, value] : line.facts) {
    text.append(" ").append(name).append("=");
    append_value(text, value);
  }
  return text;
}

std::string to_json(const Line& line) {
  boost::json::object object = {
      {"time", stamp(line)}, {"level", to_string(line.level)}, {"who", line.who}, {"event", line.event}};
  for (const auto& [name, value] : line.facts) {
    if (!object.contains(name)) object[name] = value;
  }
  return boost::json::serialize(object);
}

std::optional<Line> parse_text(std::string_view text) {
  constexpr std::size_t stamp_size = 24;
  if (text.size() < stamp_size + 1 || text[stamp_size] != ' ') return std::nullopt;
  auto seconds = std::string(text.substr(0, stamp_size));
  // to_timestamp leaves out milliseconds that are 0, and its reader wants that.
  if (seconds.ends_with(".000Z")) seconds = seconds.substr(0, 19) + "Z";
  const auto time = parse_timestamp(seconds);
  if (!time) return std::nullopt;
  text.remove_prefix(stamp_size + 1);
  const auto level = level_of(text.substr(0, text.find(' ')));
  const auto who = text.find(" [");
  const auto event = text.find("] ");
  if (!level || who == std::string_view::npos || event == std::string_view::npos || event < who) return std::nullopt;
  Line line{*time, *level, std::string(text.substr(who + 2, event - who - 2)), {}};
  auto rest = text.substr(event + 2);
  const auto facts = end_of_event(rest);
  line.event = rest.substr(0, facts);
  rest.remove_prefix(facts);
  while (rest.starts_with(' ')) {
    rest.remove_prefix(1);
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos || !is_name(rest.substr(0, equals))) return std::nullopt;
    auto name = std::string(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    auto value = take_value(rest);
    if (!value) return std::nullopt;
    line.facts.emplace_back(std::move(name), std::move(*value));
  }
  if (!rest.empty()) return std::nullopt;
  return line;
}

}  // namespace millrace::log
