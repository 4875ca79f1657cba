#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace millrace::components {

/// HTTP status codes and ranges: "404", "500-599".
class StatusSet {
 public:
  /// Error::invalid names `place` and the text that is no status.
  static Result<StatusSet> parse(const std::vector<std::string>& texts, std::string_view place);
  bool contains(int status) const;

 private:
  std::vector<std::pair<int, int>> ranges_;
};

}  // namespace millrace::components
