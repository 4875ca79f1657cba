#include "app/worker_output.hpp"

#include <cctype>
#include <optional>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace millrace::app {
namespace {

namespace json = boost::json;

/// Levels of bunyan (https://github.com/trentm/node-bunyan#levels): 10 trace, 20 debug, 30 info, 40 warn, 50 error.
log::Level level_of_bunyan(const json::object& object) {
  const auto* level = object.if_contains("level");
  const auto number = level != nullptr && level->is_int64() ? level->get_int64() : 30;
  if (number >= 50) return log::Level::error;
  if (number >= 40) return log::Level::warning;
  return number >= 30 ? log::Level::info : log::Level::debug;
}

std::optional<log::Line> parse_bunyan(std::string_view text) {
  if (!text.starts_with('{')) return std::nullopt;
  boost::system::error_code failed;
  const auto value = json::parse(text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  const auto& object = value.get_object();
  const auto* message = object.if_contains("msg");
  if (message == nullptr || !message->is_string()) return std::nullopt;
  log::Line line{{}, level_of_bunyan(object), {}, "worker wrote", {{"text", std::string(message->get_string())}}};
  const auto add = [&](const char* theirs, const char* ours) {
    const auto* id = object.if_contains(theirs);
    if (id != nullptr && id->is_string()) line.facts.emplace_back(ours, std::string(id->get_string()));
  };
  add("threadId", "execution");
  add("messageId", "message");
  return line;
}

std::string without_controls(std::string_view line) {
  std::string text(line);
  for (char& c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0 && c != '\t') c = ' ';
  }
  return text;
}

}  // namespace

log::Line read_worker_output(const std::string& worker, std::string_view line,
                             std::chrono::sys_time<std::chrono::milliseconds> now) {
  const auto text = without_controls(line);
  auto read = log::parse_text(text);
  if (!read) {
    read = parse_bunyan(text);
    if (!read) read = log::Line{now, log::Level::info, {}, "worker wrote", {{"text", text}}};
    read->time = now;
  }
  read->who = "worker " + worker;
  const auto slash = worker.find('/');
  const auto dot = worker.rfind('.');
  if (slash == std::string::npos || dot == std::string::npos || dot < slash) return *read;
  read->facts.emplace_back("flow", worker.substr(0, slash));
  read->facts.emplace_back("step", worker.substr(slash + 1, dot - slash - 1));
  read->facts.emplace_back("instance", worker.substr(dot + 1));
  return *read;
}

log::Line line_about_end(const orchestrator::WorkerStatus& worker) {
  const auto& end = worker.last_end;
  return {end ? end->at : worker.since,
          log::Level::warning,
          "platform",
          "worker ended",
          {{"reason", end ? end->reason : ""},
           {"restart_in_ms", std::to_string(worker.starts_in.count())},
           {"flow", worker.worker.flow},
           {"step", worker.worker.step},
           {"instance", std::to_string(worker.worker.instance)}}};
}

}  // namespace millrace::app
