#include "app/command_line/api_commands.hpp"

#include <CLI/CLI.hpp>

#include "app/command_line/options.hpp"
#include "app/looking_command.hpp"

namespace millrace::app {

CLI::App* ApiCommands::add(CLI::App* group, const char* name, const char* what,
                           std::function<int(const ApiOptions&)> work) {
  auto* command = group->add_subcommand(name, what);
  add_server(command, options_.server);
  command->add_flag("--json", options_.json, "Print JSON");
  command->callback([this, work = std::move(work)] { chosen = [this, work] { return work(options_); }; });
  return command;
}

void ApiCommands::add_flows(CLI::App* group) {
  const auto of_one = [&](const char* name, const char* what, std::function<int(const ApiOptions&)> work) {
    auto* command = add(group, name, what, std::move(work));
    command->add_option("FLOW", options_.flow, "The flow's name")->required();
    return command;
  };
  add(group, "list", "The flows of a platform", &list_flows);
  of_one("show", "One of them, with its text", &show_flow);
  for (const auto& [name, what] : {std::pair("start", "A stopped flow takes events again"),
                                   std::pair("stop", "It takes no more events; what is in flight is finished"),
                                   std::pair("suspend", "Nothing is worked on; webhook calls wait"),
                                   std::pair("resume", "A suspended flow works again")}) {
    of_one(name, what, [name = std::string(name)](const ApiOptions& given) { return change_flow(given, name); });
  }
  of_one("run-now", "Start one execution", &run_flow_now)
      ->add_option("--body", options_.body, "What the webhook would be sent, JSON")
      ->type_name("JSON");
  of_one("history", "Its versions, newest first", &show_flow_history);
  auto* diff = of_one("diff", "How a version differs from the one before", &diff_flow);
  diff->add_option("VERSION", options_.version, "The version; if not given, the current one");
  diff->add_option("--against", options_.against, "Another version, or draft")->type_name("VERSION");
  of_one("rollback", "Publish an earlier version again", &roll_back_flow)
      ->add_option("VERSION", options_.version, "Which one; if not given, the one before the current one");
  of_one("delete", "Take it apart", &delete_flow)
      ->add_flag("--discard", options_.discard, "Also with messages in flight or dead letters");
}

void ApiCommands::add_looking(CLI::App& app) {
  auto* logs = add(&app, "logs", "What the workers of a flow have written", &show_logs);
  logs->add_option("FLOW", options_.flow, "The flow's name, or FLOW/STEP")->required();
  logs->add_flag("-f,--follow", options_.follow, "And what they write from now on, until Ctrl-C");
  logs->add_option("-n,--lines", options_.lines, "The last so many lines, at most 1000")
      ->capture_default_str()
      ->type_name("N");
  logs->add_option("--since", options_.since, "Only later ones: a time, 2026-01-31T12:00:00Z, or how long ago, 10m")
      ->type_name("TIME");
  logs->add_option("--level", options_.level, "Only as grave as this: debug, info, warning or error")
      ->type_name("LEVEL");
}

void ApiCommands::add_lists(CLI::App& app) {
  const auto of_some = [&](const char* name, const char* what, std::function<int(const ApiOptions&)> work) {
    add(&app, name, what, std::move(work))->add_option("FLOW", options_.flow, "Only those of this flow");
  };
  of_some("queues", "Messages that wait, per step: how many, since when, and who reads them", &list_queues);
  of_some("workers", "Processes and containers that run steps, and how they last ended", &list_workers);
  of_some("schedules", "Triggers that run by the clock: when next, and why one fails", &list_schedules);
  add(&app, "members", "Platforms that share the store, and which one leads", &list_members);
  auto* snapshot = app.add_subcommand("snapshot", "Positions of polling triggers")->require_subcommand(1);
  for (auto* command : {add(snapshot, "show", "How far a trigger has come", &show_snapshot),
                        add(snapshot, "reset", "Let it begin anew; the flow must be suspended", &reset_snapshot)}) {
    command->add_option("FLOW", options_.flow, "The flow's name, or FLOW/STEP")->required();
  }
}

void ApiCommands::add_all(CLI::App& app, CLI::App* flow_group) {
  auto* deploying = add(&app, "deploy", "Make flow files the current versions of their flows", &deploy);
  deploying->add_option("FLOW", options_.files, "Flow files, YAML or JSON")->required();
  deploying->add_option("--comment", options_.comment, "What has changed")->type_name("TEXT");
  add_flows(flow_group);
  add_looking(app);
  add_lists(app);
  auto* scale = add(&app, "scale", "How many instances a step has; with a number, sets it", &scale_step);
  scale->add_option("FLOW/STEP", options_.step, "The step")->required();
  scale->add_option("N", options_.count, "0 to 64, or auto for what the flow says");
  auto* token = app.add_subcommand("token", "Tokens of the API")->require_subcommand(1);
  auto* create = add(token, "create", "Make one; it is printed this once", &create_token);
  create->add_option("NAME", options_.name, "What it is called in lists and in the audit log")->required();
  create->add_option("--scope", options_.scopes, "flows:read, flows:write, operate, credentials or admin; repeat it")
      ->required()
      ->type_name("SCOPE");
  add(token, "list", "Which there are", &list_tokens);
  add(token, "delete", "End one", &delete_token)->add_option("NAME", options_.name, "Its name or id")->required();
}

}  // namespace millrace::app
