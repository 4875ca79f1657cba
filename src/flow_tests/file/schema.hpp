#pragma once

#include <string>

namespace millrace::flow_tests {

/// The JSON Schema (2020-12) of test files, for editors: docs/flow-test.schema.json. Made from the tables that the
/// reader reads by.
std::string test_file_schema();

}  // namespace millrace::flow_tests
