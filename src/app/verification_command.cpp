#include "app/verification_command.hpp"

#include <memory>
#include <optional>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/exit_code.hpp"
#include "component/platform_credential.hpp"
#include "component/settings_request.hpp"
#include "component/worker_outside.hpp"

namespace millrace::app {
namespace {

class Trial {
 public:
  Trial(io::posix::AsioLoop& loop, const component::Catalogue& catalogue,
        const component::WorkerEnvironment& environment)
      : loop_(loop), catalogue_(catalogue), outside_(loop, "verification"), credential_(loop, environment) {
    component::request_settings(loop, environment, [this](const Result<component::StepSettings>& settings) {
      settings ? begin(*settings) : end(settings.error());
    });
  }

  int exit_code() const { return exit_code_; }

 private:
  void begin(const component::StepSettings& settings) {
    const auto* function = catalogue_.find(settings.component + "." + settings.function);
    if (function == nullptr || !function->verify) {
      return end(Error{Error::Kind::unsupported, "this function cannot try a credential"});
    }
    services_.emplace(component::Services{loop_, outside_, "verification", settings.id});
    services_->credential = &credential_;
    auto begun = function->verify(settings.config, *services_, [this](const Status& tried) { end(tried); });
    if (!begun) return end(begun.error());
    verification_ = std::move(*begun);
  }

  void end(const Status& tried) {
    const boost::json::object verdict{{"ok", bool(tried)},
                                      {"message", tried ? "the service takes the login" : tried.error().message}};
    fmt::print("{}\n", boost::json::serialize(verdict));
    exit_code_ = ExitCode::ok;
    loop_.stop();
  }

  io::posix::AsioLoop& loop_;
  const component::Catalogue& catalogue_;
  component::WorkerOutside outside_;
  component::PlatformCredential credential_;
  std::optional<component::Services> services_;
  std::unique_ptr<component::Verification> verification_;
  int exit_code_ = ExitCode::failed;
};

}  // namespace

int run_verification(const component::Catalogue& catalogue, const component::WorkerEnvironment& environment) {
  io::posix::AsioLoop loop;
  const Trial trial(loop, catalogue, environment);
  loop.run();
  return trial.exit_code();
}

}  // namespace millrace::app
