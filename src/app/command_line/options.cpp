#include "app/command_line/options.hpp"

#include <map>

#include <CLI/CLI.hpp>

namespace millrace::app {

void add_data(CLI::App* command, std::string& folder) {
  command->add_option("--data", folder, "The data folder of the platform")->capture_default_str()->type_name("DIR");
}

void add_server(CLI::App* command, Server& server) {
  command->add_option("--server", server.url, "URL of a platform's API [MILLRACE_SERVER]")->type_name("URL");
  command->add_option("--context", server.context, "A platform by its name in `millrace context` [MILLRACE_CONTEXT]")
      ->type_name("NAME");
  command
      ->add_option("--token-file", server.token_file,
                   "File with its token [MILLRACE_TOKEN_FILE, or ~/.config/millrace/token]")
      ->type_name("FILE");
  command
      ->add_option("--data", server.data_folder, "Or the data folder of a platform on this machine [./millrace-data]")
      ->type_name("DIR");
}

void add_log_level(CLI::App* command, log::Level& level) {
  const std::map<std::string, log::Level> levels = {{"debug", log::Level::debug},
                                                    {"info", log::Level::info},
                                                    {"warning", log::Level::warning},
                                                    {"error", log::Level::error}};
  command->add_option("--log-level", level, "debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(levels, CLI::ignore_case).description(""))
      ->type_name("LEVEL");
}

}  // namespace millrace::app
