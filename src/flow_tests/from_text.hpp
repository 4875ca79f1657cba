#pragma once

#include <stdexcept>
#include <string>

#include "components/catalogue.hpp"
#include "flow_tests/file/read_file.hpp"
#include "flow_tests/suite.hpp"

/// Flow and test file as text, for the unit tests of this folder.
namespace millrace::flow_tests::from_text {

inline std::optional<std::string> no_variable(std::string_view) {
  return std::nullopt;
}

/// The problems of a test file's text, one a line, "t.yaml:" in front of each; empty: none.
inline std::string problems(const std::string& test, const std::string& flow = {}) {
  const auto catalogue = components::make_catalogue();
  std::string lines;
  const auto add = [&](const flow::Problems& problems) {
    for (const auto& problem : problems) lines += problem.to_string() + "\n";
  };
  const auto file = read_test_file(test, "t.yaml", catalogue, no_variable);
  if (!file) {
    add(file.error());
  } else if (!flow.empty()) {
    const auto flows = flow::load_text(flow, "f.yaml", catalogue, no_variable);
    if (!flows) throw std::runtime_error(flows.error().front().to_string());
    add(check_against(*file, flows->front(), catalogue));
  }
  return lines;
}

/// Runs the cases of a test on a flow; both must be good.
inline FileResult run(const std::string& flow, const std::string& test, const SuiteOptions& options = {},
                      const component::Catalogue& catalogue = components::make_catalogue()) {
  const auto file = read_test_file(test, "t.yaml", catalogue, no_variable);
  if (!file) throw std::runtime_error(file.error().front().to_string());
  const flow::Variables variables = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = file->variables.find(name);
    return found == file->variables.end() ? std::nullopt : std::optional(found->second);
  };
  const auto flows = flow::load_text(flow, "f.yaml", catalogue, variables);
  if (!flows) throw std::runtime_error(flows.error().front().to_string());
  if (const auto wrong = check_against(*file, flows->front(), catalogue); !wrong.empty()) {
    throw std::runtime_error(wrong.front().to_string());
  }
  return run_file(*file, flows->front(), options, catalogue);
}

/// What is wrong with the cases, a line each: "t.yaml:3:5: field: message".
inline std::string wrong(const FileResult& result) {
  std::string lines;
  for (const auto& one : result.cases) {
    for (const auto& problem : one.problems) lines += problem.to_string() + "\n";
  }
  return lines;
}

}  // namespace millrace::flow_tests::from_text
