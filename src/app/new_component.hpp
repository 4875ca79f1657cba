#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"

namespace millrace::app {

/// `millrace component new NAME --lang LANGUAGE`: a folder with a component that works, its test, and a flow that uses
/// it.
struct NewComponentOptions {
  std::string name = {};
  std::string language = {};  ///< "cpp", "node" or "python"
  std::string folder = {};    ///< empty: ./NAME
};

/// Writes the files and says what to do next. ExitCode::failed if the folder is there already.
int make_component(const NewComponentOptions& options);

/// A file of a new component. "@NAME@" in it stands for the component's name.
struct NewFile {
  std::string path;
  std::string text;
};
/// One for each language, in new_component/.
std::vector<NewFile> new_cpp_component();
std::vector<NewFile> new_nodejs_component();
std::vector<NewFile> new_python_component();

}  // namespace millrace::app
