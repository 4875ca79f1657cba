#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "flow_tests/file/expected.hpp"

namespace millrace::flow_tests {

/// Where a recorded thing is not as the file says, in the file's terms.
struct Mismatch {
  std::size_t offset = 0;  ///< in the test file: of the innermost value that is written there
  std::string path;        ///< "cases[0].expect.steps.shape.outputs[0].body.title"
  std::string message;     ///< "expected "a", got "b""
};

/// All that is not as expected of one recorded thing; empty: it fits.
std::vector<Mismatch> mismatches(const Expected& expected, const boost::json::object& thing);
/// nullopt if the condition holds.
std::optional<Mismatch> mismatch(const Condition& condition, const boost::json::object& thing);

/// `*` in the pattern stands for any run of characters, also an empty one.
bool fits_pattern(std::string_view pattern, std::string_view text);

/// JSON on one line for a message, cut where it is long.
std::string shown(const boost::json::value& value);

}  // namespace millrace::flow_tests
