#include <csignal>
#include <cstdio>
#include <functional>

#include <fmt/format.h>

#include "app/commands.hpp"
#include "app/console.hpp"
#include "app/exit_code.hpp"
#include "app/file_limit.hpp"
#include "app/known_components.hpp"
#include "app/platform.hpp"
#include "app/service_state.hpp"
#include "app/settings.hpp"
#include "app/variables.hpp"
#include "app/worker_launch.hpp"
#include "flow/load.hpp"
#include "io/posix/memory_use.hpp"
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
    tell_systemd("STOPPING=1");
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

/// SIGHUP to `millrace serve`: takes over another level of the log from the configuration file.
void reload(const Given& given) {
  const auto values = resolve(Command::serve, given);
  if (!values) return log::error("the configuration cannot be read again", {{"reason", values.error().message}});
  const auto level = values->at("log_level").text;
  log::set_level(options_of(*values).log_level);
  log::info("the configuration was read again", {{"log_level", level}});
}

/// Starts a platform, tells when it is ready, and runs it to its end. `files`: of `millrace run`.
int stay(const Given& given, const ServeOptions& options, KnownComponents& known, const flow::Variables& values,
         const std::vector<flow::Flow>* files) {
  raise_file_limit();
  io::posix::AsioLoop loop;
  Console console;
  Platform::Hooks hooks;
  hooks.line = [&console](std::string_view text) { console.line(text); };
  hooks.tell_of_flows = files != nullptr;
  auto platform =
      Platform::start({loop, options, known.catalogue(), known.installed(), values}, files, std::move(hooks));
  if (!platform) return complain(platform.error().exit_code, platform.error().message);
  Run running(loop, **platform, console);
  const bool serves = files == nullptr;
  const io::posix::Signals signals(loop, {SIGINT, SIGTERM, SIGHUP}, [&](int number) {
    if (serves && number == SIGHUP) return reload(given);
    running.interrupted();
  });
  io::posix::release_free_memory();  // the flows' texts and documents
  console.line("ready");
  tell_systemd("READY=1");
  loop.run();
  return running.exit_code();
}

/// What both commands begin with: settings, the log, variables, the catalogue; then `go_on` with them.
int begin(Command command, const Given& given,
          const std::function<int(const ServeOptions&, KnownComponents&, const flow::Variables&)>& go_on) {
  const auto settings = resolve(command, given);
  if (!settings) return complain(ExitCode::usage, settings.error().message);
  const auto options = options_of(*settings);
  log::start(options.log_level, "platform", options.log_format);
  const auto values = variables(options.env_file);
  if (!values) return complain(ExitCode::usage, values.error().message);
  KnownComponents known(options.data_folder);
  for (const auto& problem : known.installed().problems()) {
    log::error("an installed component cannot be used", {{"reason", problem}});
  }
  return go_on(options, known, *values);
}

}  // namespace

int run(const Given& given, const std::vector<std::string>& flow_files) {
  return begin(Command::run, given, [&](const auto& options, auto& known, const auto& values) {
    const auto flows = flow::load_files(flow_files, known.catalogue(), values, running_of(options));
    if (flows) return stay(given, options, known, values, &*flows);
    for (const auto& problem : flows.error()) fmt::print(stderr, "{}\n", problem.to_string());
    return static_cast<int>(ExitCode::usage);
  });
}

int serve(const Given& given) {
  return begin(Command::serve, given, [&](const auto& options, auto& known, const auto& values) {
    return stay(given, options, known, values, nullptr);
  });
}

}  // namespace millrace::app
