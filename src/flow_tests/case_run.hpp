#pragma once

#include <cstdint>
#include <optional>

#include "flow_tests/commit_points.hpp"
#include "flow_tests/file/test_file.hpp"
#include "flow_tests/platform_life.hpp"
#include "flow_tests/trace.hpp"

namespace millrace::flow_tests {

/// What one run of a case came to, and how many points there were at which it could have been killed.
struct CaseRun {
  Trace trace;
  std::uint64_t commits = 0;
  std::uint64_t calls = 0;
};

/// Runs a case from an empty disk until nothing is left to do: what is given comes at its time, time stands still while
/// there is work and jumps to the next event when there is none, so the same case gives the same run. With `kill`, the
/// process dies there and all its workers with it; what was not synced is lost, a new process starts at the same moment
/// on what is on the disk, and callers that had no answer to what was not stored call again.
///
/// A run that makes no progress ends as broken: 400 days of virtual time after the last of what is
/// given, 20 million turns of the loop, or 200,000 tries of steps.
CaseRun run_case(const TestedFlow& tested, const Case& one, std::optional<Kill> kill = {});

}  // namespace millrace::flow_tests
