#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace millrace::objects {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// What is known of an object besides its bytes.
struct Head {
  std::string content_type;
  std::int64_t created_at = 0;  ///< ms since the Unix epoch
  Labels query;                 ///< what it can be found by
  Labels meta;                  ///< what only is handed back with it

  /// One line of JSON, with its end: what stands before the bytes in the object's file.
  std::string line() const;
  /// Error::damaged if it is no such line.
  static Result<Head> read(std::string_view line);

  /// Whether it has all of these among `query`.
  bool matches(const Labels& wanted) const;
};

}  // namespace millrace::objects
