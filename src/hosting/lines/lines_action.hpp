#pragma once

#include <functional>
#include <memory>

#include "component/action.hpp"
#include "component/step_settings.hpp"
#include "core/error.hpp"
#include "io/posix/loop.hpp"

namespace millrace::hosting::lines {

/// The action of a component that reads JSON lines on stdin and writes JSON lines on stdout, in any language
/// (docs/component-protocol.md): starts it as a child process that lives as long as the worker, and makes of its lines
/// about one message one Outcome.
Result<std::unique_ptr<component::Action>> make_lines_action(io::posix::AsioLoop& loop,
                                                             const component::StepSettings& settings,
                                                             std::function<void(Error)> lost);

}  // namespace millrace::hosting::lines
