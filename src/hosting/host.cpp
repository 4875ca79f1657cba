#include "hosting/host.hpp"

#include "component/program_login.hpp"
#include "component/step_settings.hpp"
#include "hosting/authorized_program.hpp"
#include "hosting/lines/lines_action.hpp"
#include "hosting/sailor/sailor_action.hpp"

namespace millrace::hosting {
namespace {

using component::Login;
using component::StepSettings;
using Made = Result<std::unique_ptr<component::Action>>;
using Lost = std::function<void(Error)>;

Made make(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment, const StepSettings& settings,
          std::optional<StepLogin> login, const Lost& lost) {
  if (settings.program->protocol == component::Program::Protocol::lines) {
    return lines::make_lines_action(loop, environment, settings, std::move(login), lost);
  }
  auto step = settings;
  if (login) {
    step.config =
        component::config_with_login(settings.config, settings.credential, settings.program->token_field, login->login);
  }
  return sailor::make_sailor_action(loop, environment, step, std::move(login), lost);
}

boost::json::object told(const StepSettings& settings, const Login& login) {
  const auto& field = settings.program->token_field;
  return settings.program->protocol == component::Program::Protocol::lines
             ? component::login_for_lines(settings.credential, field, login)
             : component::config_with_login({}, settings.credential, field, login);
}

std::size_t concurrency_of(const StepSettings& settings) {
  return settings.program->protocol == component::Program::Protocol::lines ? lines::concurrency_of(settings)
                                                                           : sailor::concurrency_of(settings);
}

}  // namespace

component::Host make_host(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
                          std::function<void(Error)> lost) {
  return [&loop, &environment, lost = std::move(lost)](const StepSettings& settings,
                                                       component::Services& services) -> Made {
    auto* source = services.credential;
    if (settings.credential.empty() || source == nullptr) return make(loop, environment, settings, std::nullopt, lost);
    LoginUse use;
    use.told = [settings](const Login& login) { return told(settings, login); };
    use.start = [&loop, &environment, source, lost](const StepSettings& step, const Login& login) {
      return make(loop, environment, step, StepLogin{*source, login}, lost);
    };
    return std::unique_ptr<component::Action>(
        std::make_unique<AuthorizedProgram>(loop, *source, settings, concurrency_of(settings), std::move(use), lost));
  };
}

}  // namespace millrace::hosting
