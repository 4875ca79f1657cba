#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "flow_tests/case_run.hpp"
#include "flow_tests/judge.hpp"

namespace millrace::flow_tests {

/// A request or mail that a step makes again after some crashes: an effect outside that is not undone with the commit
/// that was lost.
struct RepeatedCall {
  std::string step;
  std::string function;  ///< "email.send"
  bool mail = false;
  std::string target;        ///< "POST http://cms.test/posts", without the query
  std::string key;           ///< of one of them, as Call::key; empty: the target cannot tell
  std::uint64_t points = 0;  ///< crash points that repeat it
};

/// A crash after which the outcome was another one.
struct WrongOutcome {
  std::string point;  ///< "before commit 3"
  std::vector<Mismatch> what;
};

struct CrashReport {
  std::uint64_t commits = 0;
  std::uint64_t calls = 0;
  std::uint64_t points = 0;        ///< at which it was killed
  std::uint64_t points_left = 0;   ///< left out, since there are more than were asked for
  std::uint64_t lost_answers = 0;  ///< points at which a webhook's caller was left without an answer
  std::vector<RepeatedCall> repeats = {};
  std::vector<WrongOutcome> wrong = {};
};

/// What is otherwise after a crash than in `whole`, the run without one, or than the case expects.
std::vector<Mismatch> changed_by_crash(const TestedFlow& tested, const Case& one, const CaseRun& whole,
                                       const Trace& crashed);

/// Runs the case again for every point at which the process can be killed: before and after each commit, and after each
/// call; of more than `points_max` an even choice. The outcome must be that of the run without a crash: the same
/// messages ended in the same way at the same steps, and all that the case expects. `whole` is that run, without fault.
CrashReport crash_everywhere(const TestedFlow& tested, const Case& one, const CaseRun& whole, std::uint64_t points_max);

}  // namespace millrace::flow_tests
