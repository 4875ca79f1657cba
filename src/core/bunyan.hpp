#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/log.hpp"

namespace millrace::log {

/// A line as the JSON loggers write it that are usual with Node.js: bunyan (https://github.com/trentm/node-bunyan) and
/// pino, with the ids that elastic.io's library adds.
struct BunyanLine {
  std::optional<Level> level;
  std::string text;       ///< msg
  std::string error;      ///< err.message, or empty
  std::string execution;  ///< threadId, or empty
  std::string message;    ///< messageId, or empty
};

/// Nothing if it is none.
std::optional<BunyanLine> parse_bunyan(std::string_view text);

}  // namespace millrace::log
