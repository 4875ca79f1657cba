#include "app/shutdown_command.hpp"

#include <csignal>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "app/exit_code.hpp"
#include "component/platform_credential.hpp"
#include "component/platform_request.hpp"
#include "component/settings_request.hpp"
#include "core/log.hpp"
#include "hosting/sailor/shutdown.hpp"
#include "io/posix/signals.hpp"

namespace millrace::app {
namespace {

using component::PlatformAnswer;

constexpr std::chrono::seconds patience{10};

class ShutdownWorker {
 public:
  ShutdownWorker(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment)
      : loop_(loop), environment_(environment) {
    component::request_settings(loop, environment, [this](const Result<component::StepSettings>& settings) {
      if (!settings) return fail(settings.error());
      settings_ = *settings;
      if (settings_.credential.empty()) return ask_for_data();
      credential_.emplace(loop_, environment_).login([this](const Result<component::Login>& login) {
        if (!login) return fail(login.error());
        login_.emplace(hosting::StepLogin{*credential_, *login});
        ask_for_data();
      });
    });
  }

  int exit_code() const { return exit_code_; }

 private:
  void ask(const char* method, const char* part, std::function<void(const PlatformAnswer&)> then) {
    component::PlatformQuestion question{method, component::task_path(environment_) + part};
    component::ask_platform(loop_, environment_, std::move(question), patience,
                            [this, then = std::move(then)](const Result<PlatformAnswer>& answer) {
                              answer ? then(*answer) : fail(answer.error().in("platform"));
                            });
  }

  void ask_for_data() {
    ask("POST", "/shutdown", [this](const PlatformAnswer& answer) { begin(answer); });
  }

  void begin(const PlatformAnswer& answer) {
    if (answer.status != 200) return;  // there is nothing to do any more: we are ended soon
    auto begun = hosting::sailor::Shutdown::begin(
        loop_, environment_, settings_, login_, answer.body, [this](const Status& ended) {
          if (!ended) return fail(ended.error());
          shutdown_.reset();
          log::info("shutdown hook has run");
          ask("DELETE", "/startup", [this](const PlatformAnswer& forgotten) {
            if (forgotten.status != 204) {
              fail(Error{Error::Kind::unavailable, fmt::format("the platform answered {}", forgotten.status)});
            }
          });
        });
    if (!begun) return fail(begun.error());
    shutdown_ = std::move(*begun);
  }

  void fail(const Error& why) {
    log::error("shutdown hook has not run", {{"reason", why.message}});
    exit_code_ = ExitCode::failed;
    loop_.stop();
  }

  io::posix::AsioLoop& loop_;
  const component::WorkerEnvironment& environment_;
  component::StepSettings settings_;
  std::optional<component::PlatformCredential> credential_;  ///< none: the step names none
  std::optional<hosting::StepLogin> login_;
  std::unique_ptr<hosting::sailor::Shutdown> shutdown_;
  int exit_code_ = ExitCode::ok;
};

}  // namespace

int run_shutdown(const component::WorkerEnvironment& environment) {
  io::posix::AsioLoop loop;
  const io::posix::Signals signals(loop, {SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
  const ShutdownWorker worker(loop, environment);
  loop.run();
  return worker.exit_code();
}

}  // namespace millrace::app
