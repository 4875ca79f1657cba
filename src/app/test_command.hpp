#pragma once

#include <iostream>
#include <string>

#include "component/action.hpp"
#include "flow_tests/suite.hpp"

namespace millrace::app {

/// `millrace test FLOW…`
struct TestOptions {
  flow_tests::SuiteOptions suite = {};
  std::string env_file = {};
  std::string junit_file = {};
  bool json = false;
  bool verbose = false;
  bool no_repeats = false;  ///< a request or mail that a crash repeats fails its case's run
};

/// Runs the tests of flows; the report goes to `out`. ExitCode::ok if all cases pass, ExitCode::failed if not,
/// ExitCode::usage if a file cannot be read or no case is chosen: its problems then go to `err`.
int test_flows(const TestOptions& options, const component::Catalogue& catalogue, std::ostream& out = std::cout,
               std::ostream& err = std::cerr);

}  // namespace millrace::app
