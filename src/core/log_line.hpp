#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/log.hpp"

namespace millrace::log {

/// One line of a log, taken apart.
struct Line {
  std::chrono::sys_time<std::chrono::milliseconds> time;
  Level level = Level::info;
  std::string who;    ///< "platform", "worker orders/publish"
  std::string event;  ///< a few words
  std::vector<std::pair<std::string, std::string>> facts = {};

  /// A fact's value, or empty.
  std::string_view fact(std::string_view name) const;
};

/// "2026-01-31T12:00:00.000Z info [platform] worker ended worker=a/b.1 reason=\"exited with 3\"", without a line end.
std::string to_text(const Line& line);
/// One JSON object: time, level, who, event, and each fact by its name, as text.
std::string to_json(const Line& line);
/// Reads what to_text writes.
std::optional<Line> parse_text(std::string_view text);

/// "info" …
std::string_view to_string(Level level);
std::optional<Level> level_of(std::string_view text);

/// Writes a line that another process of ours has made, in our own format, if its level is not left out.
void write(const Line& line);

}  // namespace millrace::log
