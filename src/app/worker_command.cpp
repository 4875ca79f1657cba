#include "app/worker_command.hpp"

#include <csignal>
#include <cstdlib>
#include <new>
#include <optional>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app/exit_code.hpp"
#include "component/step_worker.hpp"
#include "component/worker_environment.hpp"
#include "core/log.hpp"
#include "io/posix/signals.hpp"
#include "orchestrator/driver/process/process_driver.hpp"

namespace millrace::app {
namespace {

log::Level level_asked_for() {
  const char* set = std::getenv("MILLRACE_LOG_LEVEL");
  const std::string_view name = set == nullptr ? "" : set;
  if (name == "debug") return log::Level::debug;
  if (name == "warning") return log::Level::warning;
  if (name == "error") return log::Level::error;
  return log::Level::info;
}

[[noreturn]] void memory_is_out() {
  constexpr std::string_view words = "out of memory\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, words.data(), words.size());
  ::_exit(orchestrator::exit_out_of_memory);
}

}  // namespace

int run_worker(const component::Catalogue& catalogue) {
  std::set_new_handler(memory_is_out);
  ::prctl(PR_SET_NAME, "millrace-worker");
  auto environment = component::WorkerEnvironment::from_process();
  if (!environment) {
    fmt::print(stderr, "millrace worker: {} (workers are started by `millrace run`)\n", environment.error().message);
    return ExitCode::failed;
  }
  log::start(level_asked_for(), fmt::format("worker {}/{}", environment->flow_id, environment->step_id));

  io::posix::AsioLoop loop;
  int exit_code = ExitCode::ok;
  std::optional<component::StepWorker> worker;
  const io::posix::Signals signals(loop, {SIGTERM, SIGINT}, [&worker](int) { worker->drain(); });
  worker.emplace(loop, catalogue, std::move(*environment), [&](const Status& status) {
    if (!status) {
      log::error("worker cannot go on", {{"reason", status.error().message}});
      exit_code = ExitCode::failed;
    }
    loop.stop();
  });
  loop.run();
  return exit_code;
}

}  // namespace millrace::app
