#pragma once

#include <string>
#include <vector>

#include "flow_tests/suite.hpp"

namespace millrace::flow_tests {

struct Totals {
  std::size_t cases = 0;
  std::size_t failed = 0;
  std::size_t repeating = 0;  ///< cases in which a crash repeats a request or mail
};
Totals totals_of(const std::vector<FileResult>& results);

/// For people: a line for each case, its problems as `file:line:column: field: message`, what crashes repeat. With
/// `verbose` also what passed each step.
std::string text_report(const std::vector<FileResult>& results, bool verbose);
/// For programs, one JSON document.
std::string json_report(const std::vector<FileResult>& results, bool verbose);
/// The form of JUnit that build servers read (https://github.com/testmoapp/junitxml).
std::string junit_report(const std::vector<FileResult>& results);

}  // namespace millrace::flow_tests
