#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace {

/// "2026-11-24T09:56:17Z", or with milliseconds where there are any: "2026-11-24T09:56:17.250Z" (RFC 3339 §5.6, UTC).
std::string to_timestamp(std::chrono::sys_time<std::chrono::milliseconds> time);
/// Reads what to_timestamp writes, and nothing else.
Result<std::chrono::sys_time<std::chrono::milliseconds>> parse_timestamp(std::string_view text);

}  // namespace millrace
