#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"

namespace millrace::app {

/// A time of the command line, 2026-01-31T12:00:00Z or how long ago, 10m, as ms since the Unix epoch. Error::invalid
/// names the flag.
Result<std::int64_t> time_argument(const std::string& text, const std::string& flag);

}  // namespace millrace::app
