#include "app/command_line/dead_letters_commands.hpp"

#include <CLI/CLI.hpp>

#include "app/command_line/options.hpp"

namespace millrace::app {
namespace {

using Verb = DeadLettersOptions::Verb;

void add_query(CLI::App* command, DeadLettersOptions& options) {
  command->add_option("--flow", options.flow, "Only those of this flow")->type_name("NAME");
  command->add_option("--step", options.step, "Only those that failed at this step")->type_name("NAME");
  command->add_option("--code", options.code, "Only those with this error code, such as http.status")
      ->type_name("CODE");
  command->add_option("--text", options.text, "Only those with this in their error")->type_name("TEXT");
  command->add_option("--older-than", options.older_than, "Only those that failed before this time, or so long ago: 7d")
      ->type_name("TIME");
  command->add_option("--newer-than", options.newer_than, "Only those that failed after this time")->type_name("TIME");
}

}  // namespace

void add_dead_letters(CLI::App& app, DeadLettersOptions& options) {
  auto* group = app.add_subcommand("dead-letters", "Messages that could not be processed")->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, Verb verb) {
    auto* command = group->add_subcommand(name, what);
    command->callback([&options, verb] { options.verb = verb; });
    add_server(command, options.server);
    command->add_flag("--json", options.json, "Print JSON");
    return command;
  };
  add_query(add("list", "What is there and why", Verb::list), options);
  add("show", "One message with its failure", Verb::show)
      ->add_option("ID", options.ids, "Message id, or its beginning")
      ->required()
      ->expected(1);
  auto* retry = add("retry", "Put messages back before the step that failed", Verb::retry);
  auto* drop = add("drop", "Delete messages for good", Verb::drop);
  for (auto* command : {retry, drop}) {
    auto* ids = command->add_option("ID", options.ids, "Message ids, or their beginnings");
    command->add_flag("--all", options.all, "All of them, or all that are meant")->excludes(ids);
    command->add_flag("--dry-run", options.dry_run, "Only say how many");
    add_query(command, options);
  }
  retry->add_option("--body", options.body, "Another body for the message, JSON")->type_name("JSON");
  retry
      ->add_option("--version", options.version,
                   "Of the flow: current (the newest with the step), original, or a number")
      ->type_name("VERSION");
}

}  // namespace millrace::app
