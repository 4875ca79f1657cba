#pragma once

#include <string>

#include "core/result.hpp"
#include "store/database.hpp"

namespace millrace::deployment {

/// Error::conflict names the flows that have a step of the component, in a version that is current or still has
/// messages in flight.
Status check_unused(store::Database& database, const std::string& component);

}  // namespace millrace::deployment
