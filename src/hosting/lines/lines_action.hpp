#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "component/action.hpp"
#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "core/error.hpp"
#include "hosting/step_login.hpp"
#include "io/posix/loop.hpp"

namespace millrace::hosting::lines {

/// The action of a component that reads JSON lines on stdin and writes JSON lines on stdout, in any language
/// (docs/component-protocol.md): starts it as a child process that lives as long as the worker, and makes of its lines
/// about one message one Outcome.
Result<std::unique_ptr<component::Action>> make_lines_action(io::posix::AsioLoop& loop,
                                                             const component::WorkerEnvironment& environment,
                                                             const component::StepSettings& settings,
                                                             std::optional<StepLogin> login,
                                                             std::function<void(Error)> lost);

/// How many messages it takes at once (component::Action::concurrency).
std::size_t concurrency_of(const component::StepSettings& settings);

}  // namespace millrace::hosting::lines
