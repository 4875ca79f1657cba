#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::log {

enum class Level { debug, info, warning, error };

/// A fact that belongs to a log line: name and value, e.g. {"flow", "web-form-to-cms"}.
struct Fact {
  std::string_view name;
  std::string value;
};

enum class Format {
  text,  ///< for people
  json,  ///< one object a line
};

/// Chooses where the process's log goes: stderr, one line an event, lines below `level` left out. `who` stands at the
/// head of each line ("platform", "worker publish.1"). Called once by the composition root. What a line looks like:
/// log_line.hpp.
void start(Level level, std::string who, Format format = Format::text);

/// Another level from now on. From any thread.
void set_level(Level level);

/// From now on each line first clears what stands on the terminal's current line: a status line that is redrawn later.
void clear_status_line();

/// Writes one line. From any thread. No secrets, no message bodies.
void write(Level level, std::string_view event, std::initializer_list<Fact> facts = {});

inline void debug(std::string_view event, std::initializer_list<Fact> facts = {}) {
  write(Level::debug, event, facts);
}
inline void info(std::string_view event, std::initializer_list<Fact> facts = {}) {
  write(Level::info, event, facts);
}
inline void warning(std::string_view event, std::initializer_list<Fact> facts = {}) {
  write(Level::warning, event, facts);
}
inline void error(std::string_view event, std::initializer_list<Fact> facts = {}) {
  write(Level::error, event, facts);
}

}  // namespace millrace::log
