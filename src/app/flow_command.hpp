#pragma once

#include <iostream>
#include <string>
#include <vector>

#include "component/action.hpp"
#include "flow/load.hpp"

namespace millrace::app {

/// `millrace flow validate FLOW…`: a line "ok NAME (n steps)" for every flow on `out`, or all problems of all files on
/// `err`, one a line. ExitCode::ok or ExitCode::usage.
int validate_flows(const std::vector<std::string>& files, const component::Catalogue& catalogue,
                   const flow::Variables& variables, std::ostream& out = std::cout, std::ostream& err = std::cerr);

/// `millrace flow schema`: the JSON Schema of flow files, as docs/flow.schema.json holds it.
int print_flow_schema(const component::Catalogue& catalogue, std::ostream& out = std::cout);

/// `millrace flow schema --tests`: that of test files, docs/flow-test.schema.json.
int print_test_schema(std::ostream& out = std::cout);

}  // namespace millrace::app
