#include "core/log.hpp"

#include <cstdio>
#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace millrace::log {
namespace {

spdlog::level::level_enum native(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

constexpr const char* pattern = "%Y-%m-%dT%H:%M:%S.%eZ %l [%n] %v";

constexpr const char* erase_line = "\x1b[K";
bool status_line = false;

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\n\r\t") != std::string_view::npos;
}

void append(std::string& line, const Fact& fact) {
  line.append(" ").append(fact.name).append("=");
  if (!needs_quotes(fact.value)) {
    line += fact.value;
    return;
  }
  line += '"';
  for (const char c : fact.value) {
    if (c == '"' || c == '\\') line += '\\';
    if (c == '\n' || c == '\r') {
      line += c == '\n' ? "\\n" : "\\r";
    } else {
      line += c;
    }
  }
  line += '"';
}

}  // namespace

void start(Level level, std::string who) {
  auto logger = std::make_shared<spdlog::logger>(std::move(who), std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern(pattern, spdlog::pattern_time_type::utc);
  logger->set_level(native(level));
  spdlog::set_default_logger(std::move(logger));
}

void set_level(Level level) {
  spdlog::set_level(native(level));
}

void clear_status_line() {
  status_line = true;
  spdlog::set_pattern(std::string(erase_line) + pattern, spdlog::pattern_time_type::utc);
}

void write(Level level, std::string_view event, std::initializer_list<Fact> facts) {
  if (!spdlog::should_log(native(level))) return;
  std::string line(event);
  for (const auto& fact : facts) append(line, fact);
  spdlog::log(native(level), "{}", line);
}

void pass_on(std::string_view line) {
  std::string text = status_line ? erase_line : "";
  text.append(line).append("\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace millrace::log
