#include "app/command_line/context_commands.hpp"

#include <CLI/CLI.hpp>

namespace millrace::app {

void ContextCommands::add_all(CLI::App& app) {
  auto* group =
      app.add_subcommand("context", "Platforms that commands may talk to, under names")->require_subcommand(1);
  const auto add_one = [&](const char* name, const char* what, int (*work)(const ContextOptions&)) {
    auto* command = group->add_subcommand(name, what);
    command->callback([this, work] { chosen = [this, work] { return work(options_); }; });
    return command;
  };
  auto* add = add_one("add", "Keep a platform's URL and token under a name", &add_context);
  add->add_option("NAME", options_.name, "The context's name")->required();
  add->add_option("--server", options_.server, "URL of the platform's API")->required()->type_name("URL");
  add->add_option("--token-file", options_.token_file, "File with its token, which is copied; - is standard input")
      ->required()
      ->type_name("FILE");
  add_one("use", "Take one for commands that name no other", &use_context)
      ->add_option("NAME", options_.name, "The context's name; if not given, none is in use any more");
  add_one("list", "Which there are", &list_contexts)->add_flag("--json", options_.json, "Print JSON");
  add_one("remove", "Forget one and its token", &remove_context)
      ->add_option("NAME", options_.name, "The context's name")
      ->required();
}

}  // namespace millrace::app
