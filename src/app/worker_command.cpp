#include "app/worker_command.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>
#include <optional>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app/exit_code.hpp"
#include "app/shutdown_command.hpp"
#include "app/verification_command.hpp"
#include "component/step_worker.hpp"
#include "component/worker_environment.hpp"
#include "core/log.hpp"
#include "core/log_line.hpp"
#include "hosting/host.hpp"
#include "io/posix/signals.hpp"
#include "orchestrator/driver/process/process_driver.hpp"

namespace millrace::app {
namespace {

log::Level level_asked_for() {
  const char* set = std::getenv("MILLRACE_LOG_LEVEL");
  const std::string_view name = set == nullptr ? "" : set;
  return log::level_of(name).value_or(log::Level::info);
}

[[noreturn]] void memory_is_out() {
  constexpr std::string_view words = "out of memory\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, words.data(), words.size());
  ::_exit(orchestrator::exit_out_of_memory);
}

/// How long a worker that has lost its platform waits for it to come back; 0: not at all, it ends.
std::chrono::seconds patience_asked_for() {
  const char* set = std::getenv("MILLRACE_OUTLIVES_PLATFORM");
  const int seconds = set == nullptr ? 0 : std::atoi(set);
  return std::chrono::seconds(std::clamp(seconds, 0, 3'600));
}

/// A step's worker, made anew after a lost link as long as there is patience: its platform may be starting again. What
/// the platform answers meanwhile is not believed either: it may not know yet that we are still its own.
class LastingWorker {
 public:
  LastingWorker(io::posix::AsioLoop& loop, const component::Catalogue& catalogue,
                component::WorkerEnvironment environment)
      : loop_(loop), catalogue_(catalogue), environment_(std::move(environment)), patience_(patience_asked_for()) {
    begin();
  }

  void drain() {
    if (waiting_) return loop_.stop();
    worker_->drain();
  }
  void fail(const Error& why) {
    log::error("worker cannot go on", {{"reason", why.message}});
    exit_code_ = ExitCode::failed;
    loop_.stop();
  }
  int exit_code() const { return exit_code_; }

 private:
  void begin() {
    began_ = loop_.steady_now();
    waiting_ = false;
    worker_.emplace(loop_, catalogue_, environment_, [this](const Status& status) { ended(status); });
  }

  void ended(const Status& status) {
    if (status) return loop_.stop();
    constexpr std::chrono::seconds well{5};  // a link that lasted so long was a good one
    constexpr std::chrono::milliseconds pause{250};
    const auto now = loop_.steady_now();
    const bool link = status.error().kind == Error::Kind::unavailable;
    if (!lost_at_ || now - began_ > well) lost_at_ = link ? std::optional(now) : std::nullopt;
    if (!lost_at_ || now - *lost_at_ >= patience_) {
      return fail(status.error());
    }
    if (now - began_ > well) log::info("worker waits for its platform", {{"reason", status.error().message}});
    waiting_ = true;
    loop_.after(pause, [this] { begin(); });
  }

  io::posix::AsioLoop& loop_;
  const component::Catalogue& catalogue_;
  component::WorkerEnvironment environment_;
  std::chrono::seconds patience_;
  std::optional<component::StepWorker> worker_;
  io::SteadyTime began_;
  std::optional<io::SteadyTime> lost_at_;
  bool waiting_ = false;  ///< worker_ has ended, and the next is not made yet
  int exit_code_ = ExitCode::ok;
};

}  // namespace

int run_worker(const component::Catalogue& own) {
  std::set_new_handler(memory_is_out);
  ::prctl(PR_SET_NAME, "millrace-worker");
  auto environment = component::WorkerEnvironment::from_process();
  if (!environment) {
    fmt::print(stderr, "millrace worker: {} (workers are started by `millrace run`)\n", environment.error().message);
    return ExitCode::failed;
  }
  log::start(level_asked_for(), fmt::format("worker {}/{}", environment->flow_id, environment->step_id));

  if (std::getenv("MILLRACE_VERIFICATION") != nullptr) return run_verification(own, *environment);
  if (std::getenv("MILLRACE_SHUTDOWN") != nullptr) return run_shutdown(*environment);

  io::posix::AsioLoop loop;
  std::optional<LastingWorker> worker;
  const io::posix::Signals signals(loop, {SIGTERM, SIGINT}, [&worker](int) { worker->drain(); });
  const component::Catalogue catalogue(
      own.all(), hosting::make_host(loop, *environment, [&worker](const Error& why) { worker->fail(why); }));
  worker.emplace(loop, catalogue, *environment);
  loop.run();
  return worker->exit_code();
}

}  // namespace millrace::app
