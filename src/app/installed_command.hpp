#pragma once

#include <string>
#include <vector>

#include "app/api_client.hpp"

namespace millrace::app {

/// What the commands about installed components were given.
struct InstalledOptions {
  Server server = {};
  bool json = false;
  std::string source = {};  ///< for `add`: a path, npm:NAME[@VERSION] or image:REF
  std::string name = {};
  bool replace = false;
  bool scripts = false;
  std::vector<std::string> environment = {};  ///< "NAME=value"
};

/// The data folder that is meant where no platform is asked: ./millrace-data, if none was given.
std::string data_folder_of(const Server& server);

/// Whether a platform at a URL is meant, or nobody can say which (asking it then says why).
bool is_remote(const Server& server);
/// Whether there is a platform to ask: one at a URL, or one that runs on the data folder. Otherwise the folder is
/// worked on.
bool has_platform(const Server& server);

/// `millrace component add SOURCE` and `millrace component remove NAME`: on a running platform, or on the data folder
/// itself while none runs. Each returns an ExitCode.
int add_component(const InstalledOptions& options);
int remove_component(const InstalledOptions& options);

}  // namespace millrace::app
