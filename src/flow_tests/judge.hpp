#pragma once

#include <vector>

#include "flow_tests/compare.hpp"
#include "flow_tests/file/test_file.hpp"
#include "flow_tests/trace.hpp"

namespace millrace::flow_tests {

/// Which of a case's expectations count.
enum class Judging {
  all,
  /// All that a crash must not change: not the answers that callers got, the number of tries, and the time.
  after_crash,
};

/// What of the trace is not as the case expects. Beyond what is written: a dead letter that no expectation speaks of is
/// a mismatch. Calls that a crash has made again count once.
std::vector<Mismatch> judge(const Case& one, const Trace& trace, Judging judging = Judging::all);

}  // namespace millrace::flow_tests
