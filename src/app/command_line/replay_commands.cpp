#include "app/command_line/replay_commands.hpp"

#include <CLI/CLI.hpp>

#include "app/command_line/options.hpp"

namespace millrace::app {

CLI::App* ReplayCommands::add(CLI::App* group, const char* name, const char* what, int (*work)(const ReplayOptions&)) {
  auto* command = group->add_subcommand(name, what);
  add_server(command, options_.which.server);
  command->add_flag("--json", options_.which.json, "Print JSON");
  command->callback([this, work] { chosen = [this, work] { return work(options_); }; });
  return command;
}

void ReplayCommands::add(CLI::App& app) {
  auto* group = app.add_subcommand("replay", "Recorded messages put in again")->require_subcommand(1);
  auto* start = add(group, "start", "Replay one execution, or those that are meant", &start_replay);
  auto& which = options_.which;
  start->add_option("EXECUTION", which.id, "The execution's id; if not given, those that the options mean");
  start->add_option("--flow", which.flow, "Those of this flow")->type_name("NAME");
  start->add_option("--of-version", which.version, "Only those of this version of it")->type_name("N");
  start->add_option("--state", which.state, "Only those: done, failed, running or incomplete")->type_name("STATE");
  start->add_option("--failed-step", which.step, "Only those that this step has worked on, or that failed there")
      ->type_name("STEP");
  start->add_option("--error", which.error, "Only those with a failure whose text holds this")->type_name("TEXT");
  start->add_option("--since", which.since, "From this time on, or so long ago: 2026-01-31T12:00:00Z, 1h")
      ->type_name("TIME");
  start->add_option("--until", which.until, "Before this time")->type_name("TIME");
  start->add_option("--from", options_.from, "Begin at this step, with what it got; if not given, at the beginning")
      ->type_name("STEP");
  start->add_option("--message", options_.message, "Of the execution's messages this one alone")->type_name("ID");
  start->add_option("--on", options_.on, "The version that gets them: current, original, or a number [current]")
      ->type_name("VERSION");
  start->add_option("--body", options_.body, "This body instead of the messages' own")->type_name("JSON");
  start->add_option("--rate", options_.rate, "At most so many messages a second")->type_name("N");
  start->add_flag("--with-redacted", options_.with_redacted, "Also messages of which values were left out");
  start->add_flag("--dry-run", options_.dry_run, "Only say what would be sent");
  start->add_flag("--wait", options_.wait, "Until it has ended");
  add(group, "list", "Replays, newest first", &list_replays);
  auto* show = add(group, "show", "How far one is", &show_replay);
  show->add_flag("--wait", options_.wait, "Until it has ended");
  auto* stop = add(group, "stop", "End one", &stop_replay);
  for (auto* command : {show, stop}) command->add_option("ID", options_.id, "The replay's id")->required();
}

}  // namespace millrace::app
