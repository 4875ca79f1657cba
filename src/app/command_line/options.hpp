#pragma once

#include <string>

#include "app/api_client.hpp"
#include "core/log.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

// Options that several commands have. What they set outlives the parsing.

/// --data: the folder itself is worked on.
void add_data(CLI::App* command, std::string& folder);
/// --server, --token-file, --data: which platform is asked.
void add_server(CLI::App* command, Server& server);
void add_log_level(CLI::App* command, log::Level& level);

}  // namespace millrace::app
