#pragma once

#include <string>
#include <vector>

#include "app/api_client.hpp"

namespace millrace::app {

struct RecordOptions {
  Server server = {};
  std::vector<std::string> executions = {};
  std::string output = {};  ///< a file; empty: stdout
};

/// A flow test of recorded executions (docs/flow-tests.md), as JSON: a case each. What began the execution is given,
/// what targets answered are its stubs, what steps put out is expected.
int record_test(const RecordOptions& options);

}  // namespace millrace::app
