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

namespace millrace::hosting::sailor {

/// The action of a component that was written for elastic.io's library: starts it as a child process, is its broker
/// and its API, and makes of what it does with a message one Outcome. So the step's queue, mappings, retries and
/// commits are those of every other step. `login`: of the credential that the step names, if it names one.
Result<std::unique_ptr<component::Action>> make_sailor_action(io::posix::AsioLoop& loop,
                                                              const component::WorkerEnvironment& environment,
                                                              const component::StepSettings& settings,
                                                              std::optional<StepLogin> login,
                                                              std::function<void(Error)> lost);

/// How many messages it takes at once (component::Action::concurrency).
std::size_t concurrency_of(const component::StepSettings& settings);

}  // namespace millrace::hosting::sailor
