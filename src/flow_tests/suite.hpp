#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "component/action.hpp"
#include "flow/load.hpp"
#include "flow_tests/crashes.hpp"
#include "flow_tests/trace.hpp"

namespace millrace::flow_tests {

struct SuiteOptions {
  std::vector<std::string> flow_files = {};
  std::vector<std::string> test_files = {};  ///< none: those beside the flow files (test_files_of)
  std::string filter = {};                   ///< only cases whose name holds it, or fits it where it has a `*`
  bool crash_everywhere = false;
  std::uint64_t crash_points_max = UINT64_MAX;
};

struct CaseResult {
  std::string name;
  flow::Position at;
  flow::Problems problems = {};  ///< where and how it fails; none: it passes
  Trace trace = {};
  std::chrono::microseconds took{0};        ///< of real time
  std::optional<CrashReport> crashes = {};  ///< where asked for, and the case passes without a crash

  bool passes() const { return problems.empty(); }
};

struct FileResult {
  std::string file;
  std::string flow;
  std::vector<CaseResult> cases = {};
};

/// The test files of a flow file: in its folder, those named *.test.yaml, *.test.yml or *.test.json, but for those that
/// begin with the name of another flow file there ("orders.refunds.test.yaml" belongs to "orders.yaml"). Sorted.
std::vector<std::string> test_files_of(const std::string& flow_file);

/// Runs the cases of one file that the filter wants, one after another. The file fits the flow (check_against).
FileResult run_file(const TestFile& file, const flow::Flow& flow, const SuiteOptions& options,
                    const component::Catalogue& catalogue);

/// Reads all files, then runs their cases, one after another. Problems are those of reading: then nothing was run. A
/// flow's `${NAME}` is what the test file's `env:` says, else what `variables` says.
Result<std::vector<FileResult>, flow::Problems> run_suite(const SuiteOptions& options,
                                                          const component::Catalogue& catalogue,
                                                          const flow::Variables& variables);

}  // namespace millrace::flow_tests
