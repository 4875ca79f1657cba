#pragma once

#include <string>
#include <string_view>

#include "component/action.hpp"
#include "core/result.hpp"
#include "flow/load.hpp"
#include "flow_tests/file/test_file.hpp"

namespace millrace::flow_tests {

/// Reads and checks a test file (YAML or JSON, docs/flow-tests.md) as flow files are: all of its problems are reported
/// together, each with its place, field and mend. `${NAME}` in its values is what its `env:` says, else what
/// `variables` says. What only the flow can tell (the names of its steps) is checked by check_against().
Result<TestFile, flow::Problems> read_test_file(std::string_view text, const std::string& file,
                                                const component::Catalogue& catalogue,
                                                const flow::Variables& variables);

/// What of the file does not fit the flow: steps that it does not have, a webhook called where there is none.
flow::Problems check_against(const TestFile& file, const flow::Flow& flow, const component::Catalogue& catalogue);

}  // namespace millrace::flow_tests
