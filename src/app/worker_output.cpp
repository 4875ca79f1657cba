#include "app/worker_output.hpp"

#include <cctype>
#include <optional>

#include "core/bunyan.hpp"

namespace millrace::app {
namespace {

std::optional<log::Line> from_bunyan(std::string_view text) {
  const auto read = log::parse_bunyan(text);
  if (!read) return std::nullopt;
  log::Line line{{}, read->level.value_or(log::Level::info), {}, "worker wrote", {{"text", read->text}}};
  if (!read->execution.empty()) line.facts.emplace_back("execution", read->execution);
  if (!read->message.empty()) line.facts.emplace_back("message", read->message);
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
    read = from_bunyan(text);
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
