#include "app/command_line/execution_commands.hpp"

#include <CLI/CLI.hpp>

#include "app/command_line/options.hpp"

namespace millrace::app {

CLI::App* ExecutionCommands::add(CLI::App* group, const char* name, const char* what,
                                 int (*work)(const ExecutionOptions&)) {
  auto* command = group->add_subcommand(name, what);
  add_server(command, options_.server);
  command->add_flag("--json", options_.json, "Print JSON");
  command->callback([this, work] { chosen = [this, work] { return work(options_); }; });
  return command;
}

void ExecutionCommands::add(CLI::App& app) {
  auto* group = app.add_subcommand("execution", "What passed each step")->require_subcommand(1);
  auto* list = add(group, "list", "Executions, newest first", &list_executions);
  list->add_option("--flow", options_.flow, "Only those of this flow")->type_name("NAME");
  list->add_option("--version", options_.version, "Only those of this version of it")->type_name("N");
  list->add_option("--state", options_.state, "Only those: running, done, failed or incomplete")->type_name("STATE");
  list->add_option("--step", options_.step, "Only those that this step has worked on, or that failed there")
      ->type_name("STEP");
  list->add_option("--error", options_.error, "Only those with a failure whose text holds this")->type_name("TEXT");
  list->add_option("--since", options_.since, "From this time on, or so long ago: 2026-01-31T12:00:00Z, 1h")
      ->type_name("TIME");
  list->add_option("--until", options_.until, "Before this time")->type_name("TIME");
  list->add_option("--limit", options_.limit, "At most so many")->capture_default_str()->type_name("N");
  for (auto* command : {add(group, "show", "One with all its messages", &show_execution),
                        add(group, "follow", "What its steps do, until it is over", &follow_execution)}) {
    command->add_option("ID", options_.id, "The execution's id")->required();
  }
}

}  // namespace millrace::app
