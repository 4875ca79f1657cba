#include "hosting/child.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace millrace::hosting {
namespace json = boost::json;
namespace {

constexpr std::size_t line_max = 64 * 1024;  // a longer one is passed on in pieces

/// Bunyan's and pino's: 30 info, 40 warn, 50 error, 60 fatal.
log::Level level_of(std::int64_t number) {
  if (number < 30) return log::Level::debug;
  if (number < 40) return log::Level::info;
  return number < 50 ? log::Level::warning : log::Level::error;
}

std::string text_of(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Variables inherited_variables() {
  Variables variables;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || text.starts_with("ELASTICIO_") || text.starts_with("MILLRACE_")) continue;
    variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const auto end = rest.find(':');
    const auto candidate = std::string(rest.substr(0, end)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return Error{
      Error::Kind::not_found,
      fmt::format("there is no program \"{}\" in PATH (install it on the machine that runs the worker)", name)};
}

OutputLines::OutputLines(log::Level usual, Write write) : usual_(usual), write_(std::move(write)) {
  if (write_) return;
  write_ = [](log::Level level, const std::string& text, const std::string& execution, const std::string& message) {
    if (message.empty()) return log::write(level, "component", {{"text", text}});
    log::write(level, "component", {{"text", text}, {"execution", execution}, {"message", message}});
  };
}

OutputLines::~OutputLines() {
  if (!kept_.empty()) line(kept_);
}

void OutputLines::take(std::string_view piece) {
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    kept_ += piece.substr(0, end);
    if (end == std::string_view::npos && kept_.size() < line_max) return;
    line(kept_);
    kept_.clear();
    if (end == std::string_view::npos) return;
    piece.remove_prefix(end + 1);
  }
}

void OutputLines::line(std::string_view text) {
  if (text.empty()) return;
  boost::system::error_code failed;
  const auto parsed = text.front() == '{' ? json::parse(text, failed) : json::value();
  const auto* record = failed ? nullptr : parsed.if_object();
  if (record == nullptr || !record->contains("msg")) return write_(usual_, std::string(text), {}, {});
  auto readable = text_of(*record, "msg");
  if (const auto* error = record->if_contains("err"); error != nullptr && error->is_object()) {
    const auto reason = text_of(error->get_object(), "message");
    if (!reason.empty() && readable.find(reason) == std::string::npos) readable += ": " + reason;
  }
  const auto* level = record->if_contains("level");
  write_(level != nullptr && level->is_int64() ? level_of(level->get_int64()) : usual_, readable,
         text_of(*record, "threadId"), text_of(*record, "messageId"));
}

std::string words(const io::posix::ProcessEnd& end) {
  if (end.signal == 0) return fmt::format("exited with code {}", end.exit_code);
  return fmt::format("was killed by signal {} ({})", end.signal, ::strsignal(end.signal));
}

}  // namespace millrace::hosting
