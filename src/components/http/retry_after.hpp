#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "io/loop.hpp"

namespace millrace::components {

/// Retry-After (RFC 9110 §10.2.3), seconds or a date, as the time still to wait; at most a day. nullopt if it is
/// neither; zero for a date that has passed.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, io::WallTime now);

}  // namespace millrace::components
