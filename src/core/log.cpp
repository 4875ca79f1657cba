#include "core/log.hpp"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "core/log_line.hpp"

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

/// Set once, before there is a second thread.
std::string who_writes = "millrace";
Format format_used = Format::text;

}  // namespace

void start(Level level, std::string who, Format format) {
  who_writes = std::move(who);
  format_used = format;
  auto logger = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->set_level(native(level));
  spdlog::set_default_logger(std::move(logger));
}

void set_level(Level level) {
  spdlog::set_level(native(level));
}

void clear_status_line() {
  spdlog::set_pattern("\x1b[K%v");
}

void write(Level level, std::string_view event, std::initializer_list<Fact> facts) {
  if (!spdlog::should_log(native(level))) return;
  Line line;
  line.time = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  line.level = level;
  line.who = who_writes;
  line.event = event;
  for (const auto& fact : facts) line.facts.emplace_back(fact.name, fact.value);
  write(line);
}

void write(const Line& line) {
  if (!spdlog::should_log(native(line.level))) return;
  spdlog::log(native(line.level), "{}", format_used == Format::json ? to_json(line) : to_text(line));
}

}  // namespace millrace::log
