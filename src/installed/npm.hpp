#pragma once

#include <string>
#include <vector>

#include "installed/component_file.hpp"

namespace millrace::installed {

/// Commands for a component's folder, in their order; each runs there. A failure of one ends them.
struct Commands {
  std::vector<std::vector<std::string>> words;
  bool builds = false;
};

/// What makes the files of a component complete: nothing if its packages came with it; otherwise what its lock file
/// says, or its package.json. One that is written in TypeScript and not built gets its development packages, its own
/// compiler, and then loses them. Error::invalid for a component that could not be run by Millrace.
Result<Commands> npm_commands(const std::string& folder, const ComponentFile& file, bool scripts);

/// "npm install" for a folder whose lock file does not fit its package.json.
std::vector<std::string> npm_install(bool development, bool scripts);
/// Puts a package as a .tgz file into a folder.
std::vector<std::string> npm_pack(const std::string& package, const std::string& into);

/// Whether the complete folder can be run: elastic.io's library is there, if the component needs it.
Status check_packages(const std::string& folder, const ComponentFile& file);

/// What package.json says; empty where it says nothing.
struct Package {
  std::string name;
  std::string version;
};
Package read_package(const std::string& folder);

}  // namespace millrace::installed
