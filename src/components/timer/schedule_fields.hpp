#pragma once

#include <vector>

#include "component/descriptor.hpp"

namespace millrace::components {

/// The fields by which the scheduler makes ticks, the same for every trigger that it wakes; component::Schedule reads
/// them, and check_schedule says what is wrong with them.
std::vector<component::Field> schedule_fields();
Status check_schedule(const boost::json::object& config);

}  // namespace millrace::components
