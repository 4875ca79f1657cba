#pragma once

#include <string>
#include <vector>

#include "component/descriptor.hpp"
#include "flow/flow.hpp"
#include "flow/reading.hpp"

namespace millrace::flow {

/// The fields of `limits:`, each with its bounds.
std::vector<component::Field> limits_fields();

/// `driver:`, `image:` (steps only) and `limits:` of a mapping, over what `otherwise` says. Reports what is wrong,
/// alone or together: an image needs containers, and so do limits of processors and processes.
Running read_running(Reading& reading, const Node& mapping, const std::string& path, const Running& otherwise);

/// Whether such a name can be an action that only an image knows: COMPONENT.FUNCTION.
bool is_foreign_function(std::string_view name);

}  // namespace millrace::flow
