#pragma once

#include <functional>

#include "component/action.hpp"
#include "component/worker_environment.hpp"
#include "core/error.hpp"
#include "io/posix/loop.hpp"

namespace millrace::hosting {

/// Runs installed programs as this worker's children (docs/component-protocol.md). `lost` is called when a program has
/// ended by itself or does not keep its contract: the worker is then to end, and what it had in hand returns to the
/// queue and counts as lost with it, as if the program were the worker. Loop and environment outlive what it makes.
component::Host make_host(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
                          std::function<void(Error)> lost);

}  // namespace millrace::hosting
