#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::hosting::sailor {

/// What Node.js loads before elastic.io's library (`node --require`): a file that installing a component puts beside
/// its component.json. The library lets each emission wait for a timer, of at least a millisecond, also where its rate
/// limits are lifted (npm `p-throttle` 2.1, setTimeout); with this it waits only where they are not. The packages
/// themselves stay as they are.
inline constexpr std::string_view preload_file = ".millrace-preload.js";

/// What Millrace sets the library's limits (messages, rebounds) to: as good as none.
inline constexpr std::string_view lifted_limit = "1000000";

/// Puts it into a component's folder. Error::io.
Status write_preload(const std::string& folder);

}  // namespace millrace::hosting::sailor
