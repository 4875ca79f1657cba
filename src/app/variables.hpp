#pragma once

#include <string>

#include "core/result.hpp"
#include "flow/load.hpp"

namespace millrace::app {

/// What `${NAME}` in flows means: the environment first, so that a value can be changed for one start without editing
/// the file, then the --env-file (none if empty). Never one of our own settings, MILLRACE_…: whoever may deploy a flow
/// could read it. An Error names the file and line that cannot be read.
Result<flow::Variables> variables(const std::string& env_file);

}  // namespace millrace::app
