#pragma once

#include <string>

#include "core/result.hpp"
#include "flow/load.hpp"

namespace millrace::app {

/// What `${NAME}` in flow files means: the environment first, so that a value can be changed for one start without
/// editing the file, then the --env-file (none if empty). An Error names the file and line that cannot be read.
Result<flow::Variables> variables(const std::string& env_file);

}  // namespace millrace::app
