#pragma once

#include <string>

namespace millrace::app {

struct ImportOptions {
  std::string file = {};         ///< "-": standard input
  std::string output = {};       ///< empty: standard output
  std::string data_folder = {};  ///< whose installed components are known
};

/// `millrace import elasticio FILE`: flows of elastic.io's API as a flow file. What could not be carried over goes to
/// stderr as well, and does not make it a failure; ExitCode::usage if the file is no such flow.
int import_elasticio_flows(const ImportOptions& options);

}  // namespace millrace::app
