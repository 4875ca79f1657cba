#include "hosting/child.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/bunyan.hpp"

namespace millrace::hosting {
namespace {

constexpr std::size_t line_max = 64 * 1024;  // a longer one is passed on in pieces

/// V8's last words, and those of most others.
bool says_out_of_memory(std::string_view text) {
  return text.find("out of memory") != std::string_view::npos || text.starts_with("MemoryError");
}

/// The program has its worker's limits.
std::string memory_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return {};
  return fmt::format(": it may have {} MB (the step's limits.memory, or --worker-memory)", limit.rlim_cur / 1'000'000);
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

Result<std::unique_ptr<io::posix::Process>> start_program(io::posix::AsioLoop& loop, const component::Program& program,
                                                          const std::vector<std::string>& command,
                                                          Variables environment, bool talks,
                                                          io::posix::ProcessHandlers handlers) {
  const auto found = find_program(command.front());
  if (!found) return found.error();
  io::posix::ProcessSpec spec;
  spec.program = *found;
  spec.arguments.assign(command.begin() + 1, command.end());
  spec.environment = std::move(environment);
  spec.folder = program.folder;
  spec.talks = talks;
  return io::posix::Process::start(loop, spec, std::move(handlers));
}

OutputLines::OutputLines(log::Level usual, Write write) : usual_(usual), write_(std::move(write)) {
  if (write_) return;
  write_ = [](log::Level level, const std::string& text, const std::string& execution, const std::string& message) {
    if (message.empty()) return log::write(level, "component", {{"text", text}});
    log::write(level, "component", {{"text", text}, {"execution", execution}, {"message", message}});
  };
}

void OutputLines::hide(const component::Login& login) {
  write_ = [login, write = std::move(write_)](log::Level level, const std::string& text, const std::string& execution,
                                              const std::string& message) {
    write(level, redacted(text, login), execution, message);
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
  out_of_memory_ = out_of_memory_ || says_out_of_memory(text);
  const auto read = log::parse_bunyan(text);
  if (!read) return write_(usual_, std::string(text), {}, {});
  auto readable = read->text;
  if (!read->error.empty() && readable.find(read->error) == std::string::npos) readable += ": " + read->error;
  write_(read->level.value_or(usual_), readable, read->execution, read->message);
}

std::string OutputLines::words(const io::posix::ProcessEnd& end) const {
  const auto how = end.signal == 0 ? fmt::format("exited with code {}", end.exit_code)
                                   : fmt::format("was killed by signal {} ({})", end.signal, ::strsignal(end.signal));
  return out_of_memory_ ? how + ", out of memory" + memory_limit() : how;
}

}  // namespace millrace::hosting
