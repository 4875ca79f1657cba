#include "hosting/host.hpp"

#include "component/step_settings.hpp"
#include "hosting/lines/lines_action.hpp"
#include "hosting/sailor/sailor_action.hpp"

namespace millrace::hosting {

component::Host make_host(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
                          std::function<void(Error)> lost) {
  return [&loop, &environment, lost = std::move(lost)](const component::StepSettings& settings, component::Services&) {
    if (settings.program->protocol == component::Program::Protocol::lines) {
      return lines::make_lines_action(loop, settings, lost);
    }
    return sailor::make_sailor_action(loop, environment, settings, lost);
  };
}

}  // namespace millrace::hosting
