#include "installed/command.hpp"

#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "component/config.hpp"
#include "io/posix/process.hpp"

namespace millrace::installed {
namespace {

constexpr std::size_t output_max = 32'768;

/// `env` changes the folder and finds the program, so that the child is that program itself.
io::posix::ProcessSpec process_of(const CommandSpec& spec) {
  io::posix::ProcessSpec process;
  process.program = "/usr/bin/env";
  process.arguments = {"--chdir=" + spec.folder, "--"};
  process.arguments.insert(process.arguments.end(), spec.words.begin(), spec.words.end());
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || text.starts_with("MILLRACE_")) continue;
    process.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  process.environment.insert(process.environment.end(), spec.environment.begin(), spec.environment.end());
  process.memory_max = spec.memory_max;
  return process;
}

std::string words_for(const io::posix::ProcessEnd& end, const std::string& program) {
  constexpr int not_found = 127;  // env(1)
  if (end.signal != 0) return fmt::format("signal {}", end.signal);
  if (end.exit_code == 0) return {};
  if (end.exit_code == not_found) return fmt::format("{} is not installed", program);
  return fmt::format("exit code {}", end.exit_code);
}

}  // namespace

struct Command::State : std::enable_shared_from_this<State> {
  State(io::posix::AsioLoop& its_loop, CommandSpec its_spec, std::function<void(CommandEnd)> told)
      : loop(its_loop), spec(std::move(its_spec)), ended(std::move(told)) {}

  void start() {
    const std::weak_ptr<State> weak = weak_from_this();
    io::posix::ProcessHandlers handlers;
    handlers.output = [weak](std::string_view piece) {
      if (const auto state = weak.lock()) state->take(piece);
    };
    handlers.ended = [weak](const io::posix::ProcessEnd& end) {
      if (const auto state = weak.lock()) state->finish(words_for(end, state->spec.words.front()));
    };
    auto started = io::posix::Process::start(loop, process_of(spec), std::move(handlers));
    if (!started) {
      return loop.post([weak, why = started.error().message] {
        if (const auto state = weak.lock()) state->finish(why);
      });
    }
    process = std::move(*started);
    timer = loop.after(spec.time_max, [weak] {
      if (const auto state = weak.lock()) state->overdue();
    });
  }

  void take(std::string_view piece) {
    output += piece;
    if (output.size() > 2 * output_max) output.erase(0, output.size() - output_max);
  }

  void overdue() {
    process.reset();
    finish(fmt::format("it took longer than {}", component::duration_text(spec.time_max)));
  }

  void finish(std::string why) {
    loop.cancel(timer);
    if (output.size() > output_max) output.erase(0, output.size() - output_max);
    const auto tell = std::move(ended);
    tell({std::move(output), std::move(why)});
  }

  io::posix::AsioLoop& loop;
  CommandSpec spec;
  std::function<void(CommandEnd)> ended;
  std::unique_ptr<io::posix::Process> process;
  io::TimerId timer = 0;
  std::string output;
};

Command::Command(io::posix::AsioLoop& loop, CommandSpec spec, std::function<void(CommandEnd)> ended)
    : state_(std::make_shared<State>(loop, std::move(spec), std::move(ended))) {
  state_->start();
}

Command::~Command() {
  state_->loop.cancel(state_->timer);
}

}  // namespace millrace::installed
