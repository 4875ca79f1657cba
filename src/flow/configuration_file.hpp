#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"

namespace millrace::flow {

/// One line of a configuration file: a key and a text, number or true/false as it was written.
struct ConfigurationEntry {
  std::string key;
  std::string text;
  std::string place;  ///< "file:line:column"
};

/// Reads a YAML mapping of keys to scalars. An Error names the file, or the place in it.
Result<std::vector<ConfigurationEntry>> read_configuration_file(const std::string& path);

}  // namespace millrace::flow
