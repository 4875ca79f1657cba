#include <csignal>
#include <cstdio>

#include <fmt/format.h>

#include "app/commands.hpp"
#include "app/console.hpp"
#include "app/exit_code.hpp"
#include "app/file_limit.hpp"
#include "app/platform.hpp"
#include "app/variables.hpp"
#include "components/catalogue.hpp"
#include "flow/load.hpp"
#include "io/posix/signals.hpp"

namespace millrace::app {
namespace {

int complain(int exit_code, std::string_view message) {
  fmt::print(stderr, "millrace: {}\n", message);
  return exit_code;
}

/// From a platform that is ready to its end.
class Run {
 public:
  Run(io::posix::AsioLoop& loop, Platform& platform, Console& console)
      : loop_(loop), platform_(platform), console_(console) {
    show_status();
  }
  ~Run() { loop_.cancel(timer_); }

  void interrupted() {
    if (stopping_) {
      platform_.kill_workers();
      exit_code_ = ExitCode::interrupted;
      return loop_.stop();
    }
    stopping_ = true;
    console_.line("stopping: what is in work is finished first (once more to stop at once)");
    platform_.drain([this](const Status& status) {
      if (!status) exit_code_ = complain(ExitCode::failed, status.error().message);
      loop_.stop();
    });
  }

  int exit_code() const { return exit_code_; }

 private:
  void show_status() {
    if (!console_.has_status_line()) return;
    console_.status(platform_.totals());
    timer_ = loop_.after(std::chrono::milliseconds(200), [this] { show_status(); });
  }

  io::posix::AsioLoop& loop_;
  Platform& platform_;
  Console& console_;
  io::TimerId timer_ = 0;
  bool stopping_ = false;
  int exit_code_ = ExitCode::ok;
};

}  // namespace

int run(const RunOptions& options) {
  log::start(options.log_level, "platform");
  auto values = variables(options.env_file);
  if (!values) return complain(ExitCode::usage, values.error().message);
  const auto catalogue = components::make_catalogue();
  auto flows = flow::load_files(options.flow_files, catalogue, *values);
  if (!flows) {
    for (const auto& problem : flows.error()) fmt::print(stderr, "{}\n", problem.to_string());
    return ExitCode::usage;
  }

  raise_file_limit();
  io::posix::AsioLoop loop;
  Console console;
  Platform::Hooks hooks;
  hooks.line = [&console](std::string_view text) { console.line(text); };
  auto platform = Platform::start(loop, options, *flows, catalogue, std::move(hooks));
  if (!platform) return complain(platform.error().exit_code, platform.error().message);
  Run running(loop, **platform, console);
  const io::posix::Signals signals(loop, {SIGINT, SIGTERM, SIGHUP}, [&running](int) { running.interrupted(); });
  console.line("ready");
  loop.run();
  return running.exit_code();
}

}  // namespace millrace::app
