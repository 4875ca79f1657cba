#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "store/database.hpp"

namespace millrace::deployment {

/// Whether a flow's text has a step of this component. A text that cannot be read has none.
bool uses_component(std::string_view flow_text, std::string_view component);

/// Error::conflict names the flows that have a step of the component, in a version that is current or still has
/// messages in flight.
Status check_unused(store::Database& database, const std::string& component);

}  // namespace millrace::deployment
