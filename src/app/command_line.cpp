#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/command_line/api_commands.hpp"
#include "app/command_line/broker_commands.hpp"
#include "app/command_line/component_commands.hpp"
#include "app/command_line/context_commands.hpp"
#include "app/command_line/credential_commands.hpp"
#include "app/command_line/dead_letters_commands.hpp"
#include "app/command_line/execution_commands.hpp"
#include "app/command_line/options.hpp"
#include "app/command_line/replay_commands.hpp"
#include "app/commands.hpp"
#include "app/completion.hpp"
#include "app/eval_command.hpp"
#include "app/exit_code.hpp"
#include "app/flow_command.hpp"
#include "app/known_components.hpp"
#include "app/record_command.hpp"
#include "app/settings.hpp"
#include "app/test_command.hpp"
#include "app/variables.hpp"
#include "components/catalogue.hpp"
#include "core/nearest.hpp"

namespace millrace::app {
namespace {

constexpr const char* footer = R"(Exit codes:
  0    done
  1    what was asked could not be done
  2    bad command line, or bad flow or test file
  3    the data folder cannot be used: not writable, full, damaged, or in use by another process
  4    cannot listen on the address given with --http, --api or --listen
  130  stopped at once by a second Ctrl-C)";

void add_test(CLI::App& app, TestOptions& options) {
  auto* command = app.add_subcommand("test", "Run the tests beside flow files: *.test.yaml, in virtual time");
  command->add_option("FLOW", options.suite.flow_files, "Flow files, YAML or JSON")->required();
  command
      ->add_option("--tests", options.suite.test_files, "Test files instead of those beside the flow; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_option("--filter", options.suite.filter, "Only cases whose name holds this, or fits it if it has a *")
      ->type_name("TEXT");
  command->add_option("--env-file", options.env_file, "File with NAME=value lines for ${NAME} in flow and test files")
      ->type_name("FILE");
  auto* crash = command->add_flag("--crash-everywhere", options.suite.crash_everywhere,
                                  "Kill the platform at each commit and each call in turn");
  command
      ->add_option("--crash-points", options.suite.crash_points_max,
                   "At most so many crash points a case, evenly chosen")
      ->needs(crash)
      ->type_name("N");
  command->add_flag("--no-repeats", options.no_repeats, "A request or mail that a crash repeats is a failure")
      ->needs(crash);
  command->add_option("--junit", options.junit_file, "Write a JUnit report there as well")->type_name("FILE");
  command->add_flag("--json", options.json, "Print JSON");
  command->add_flag("--verbose", options.verbose, "Show what passed each step");
}

void add_flow_files(CLI::App* command, std::vector<std::string>& files, std::string& env_file) {
  command->add_option("FLOW", files, "Flow files, YAML or JSON")->required();
  command->add_option("--env-file", env_file, "File with NAME=value lines for ${NAME} in flow files")
      ->type_name("FILE");
}

/// The settings as options: what is given is left in `given`, and checked with what comes from elsewhere.
void add_settings(CLI::App* command, Given& given) {
  command->add_option("--config", given.config_file, "A YAML file with settings")->type_name("FILE");
  for (const auto& setting : settings()) {
    command
        ->add_option_function<std::string>(
            setting.flag(),
            [&given, name = std::string(setting.name)](const std::string& text) { given.flags[name] = text; },
            std::string(setting.summary))
        ->type_name(std::string(setting.value_name()));
  }
}

/// The platform and its configuration.
struct PlatformCommands {
  Given given = {};
  std::vector<std::string> flow_files = {};
  bool json = false;
  std::function<int()> chosen = {};

  void add(CLI::App& app) {
    auto* run_command =
        app.add_subcommand("run", "Run flows in the foreground; Ctrl-C finishes what is in work and stops");
    run_command->add_option("FLOW", flow_files, "Flow files, YAML or JSON")->required();
    add_settings(run_command, given);
    run_command->callback([this] { chosen = [this] { return run(given, flow_files); }; });
    auto* serve_command =
        app.add_subcommand("serve", "Run the platform as a service: its flows are deployed by the API");
    add_settings(serve_command, given);
    serve_command->callback([this] { chosen = [this] { return serve(given); }; });
    auto* config = app.add_subcommand("config", "Settings of the platform")->require_subcommand(1);
    auto* show = config->add_subcommand("show", "Which value each has for `millrace serve`, and where it comes from");
    add_settings(show, given);
    show->add_flag("--json", json, "Print JSON");
    show->callback([this] { chosen = [this] { return show_config(given, json); }; });
    config->add_subcommand("reference", "Print docs/configuration.md")->callback([this] {
      chosen = [] {
        std::cout << settings_document();
        return ExitCode::ok;
      };
    });
  }
};

void add_eval(CLI::App& app, EvalOptions& options) {
  auto* command = app.add_subcommand("eval", "Evaluate a JSONata expression");
  auto* expression = command->add_option("EXPR", options.expression, "The expression");
  command->add_option("FILE", options.file, "The JSON it is evaluated over; - is standard input");
  auto* serve = command->add_flag("--serve", options.serve, "Answer JSON lines on standard input instead");
  expression->excludes(serve);
  command->callback([&options, expression] {
    if (!options.serve && expression->count() == 0) throw CLI::RequiredError("EXPR");
  });
}

void add_record(CLI::App& app, RecordOptions& options) {
  auto* command = app.add_subcommand("record", "Make a flow test of recorded executions");
  add_server(command, options.server);
  command->add_option("EXECUTION", options.executions, "Executions of one flow; a case each")->required();
  command->add_option("-o,--output", options.output, "Where to write it; if not given, to standard output")
      ->type_name("FILE");
}

/// What to say about a first word that is no command; CLI11 only says that one is missing.
std::optional<std::string> unknown_command(const CLI::App& app, int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word.empty() || word.starts_with('-')) return std::nullopt;
  std::vector<std::string> known;
  for (const auto* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (std::ranges::find(known, word) != known.end()) return std::nullopt;
  return fmt::format("millrace: there is no command \"{}\" ({})", word, suggestion(word, known));
}

/// Commands about flow files, which need no platform: each leaves its work in `chosen`.
struct FlowFileCommands {
  std::vector<std::string> flow_files = {};
  std::string env_file = {};
  std::string data_folder = {};
  bool tests = false;
  std::function<int()> chosen = {};

  CLI::App* flow = nullptr;

  void add(CLI::App& app) {
    flow = app.add_subcommand("flow", "Flow files, and the flows of a platform")->require_subcommand(1);
    auto* validate = flow->add_subcommand("validate", "Check flow files and name every problem");
    add_flow_files(validate, flow_files, env_file);
    validate->add_option("--data", data_folder, "With the installed components of this data folder [./millrace-data]")
        ->type_name("DIR");
    validate->callback([this] { chosen = [this] { return check_flows(); }; });
    auto* schema = flow->add_subcommand("schema", "Print the JSON Schema of flow files");
    schema->add_flag("--tests", tests, "Of test files instead");
    schema->add_option("--data", data_folder, "With the installed components of this data folder")->type_name("DIR");
    schema->callback([this] {
      chosen = [this] {
        KnownComponents known(data_folder);
        known.complain();
        return tests ? print_test_schema() : print_flow_schema(known.catalogue());
      };
    });
  }

  int check_flows() const {
    KnownComponents known(data_folder.empty() ? "./millrace-data" : data_folder);
    known.complain();
    const auto values = variables(env_file);
    if (values) return validate_flows(flow_files, known.catalogue(), *values);
    std::cerr << values.error().message << '\n';
    return ExitCode::usage;
  }
};

/// Every command with the words that may follow it.
void collect_words(const CLI::App& command, const std::string& path, std::vector<CommandWords>& all) {
  CommandWords words{path, {}};
  for (const auto* below : command.get_subcommands({})) words.words.push_back(below->get_name());
  for (const auto* option : command.get_options({})) {
    for (const auto& name : option->get_lnames()) words.words.push_back("--" + name);
  }
  all.push_back(std::move(words));
  for (const auto* below : command.get_subcommands({})) collect_words(*below, path + " " + below->get_name(), all);
}

int print_completion(const CLI::App& app, const std::string& shell) {
  std::vector<CommandWords> commands;
  collect_words(app, "millrace", commands);
  const auto script = completion_script(shell, commands);
  std::cout << script;
  if (!script.empty()) return ExitCode::ok;
  std::cerr << "millrace: completion is for bash and zsh\n";
  return ExitCode::usage;
}

}  // namespace

int command_line(int argc, char** argv) {
  PlatformCommands platform_commands;
  StatusOptions status_options;
  DeadLettersOptions dead_letters_options;

  CLI::App app("Millrace runs integration flows: data between applications, and nothing is lost.", "millrace");
  app.require_subcommand(1);
  app.set_version_flag("--version", "millrace " MILLRACE_VERSION);
  app.footer(footer);
  platform_commands.add(app);
  TestOptions test_options;
  add_test(app, test_options);
  BrokerOptions broker_options;
  BrokerQuestion broker_question;
  add_broker(app, broker_options, broker_question);
  app.add_subcommand("worker", "Run one step; the platform starts these itself");
  auto* status = app.add_subcommand("status", "What a running platform is doing");
  add_server(status, status_options.server);
  status->add_flag("--json", status_options.json, "Print JSON");
  add_dead_letters(app, dead_letters_options);
  FlowFileCommands flow_file_commands;
  flow_file_commands.add(app);
  ComponentCommands component_commands;
  component_commands.add(app);
  ApiCommands api_commands;
  api_commands.add_all(app, flow_file_commands.flow);
  ContextCommands context_commands;
  context_commands.add_all(app);
  ExecutionCommands execution_commands;
  execution_commands.add(app);
  ReplayCommands replay_commands;
  replay_commands.add(app);
  RecordOptions record_options;
  add_record(app, record_options);
  CredentialCommands credential_commands;
  credential_commands.add(app);
  std::string shell;
  app.add_subcommand("completion", "Print a script with which a shell completes these commands")
      ->add_option("SHELL", shell, "bash or zsh")
      ->required();
  EvalOptions eval_options;
  add_eval(app, eval_options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (const auto unknown = unknown_command(app, argc, argv)) {
      std::cerr << *unknown << "\n";
      return ExitCode::usage;
    }
    return app.exit(error) == 0 ? ExitCode::ok : ExitCode::usage;
  }
  if (app.got_subcommand("completion")) return print_completion(app, shell);
  if (context_commands.chosen) return context_commands.chosen();
  if (api_commands.chosen) return api_commands.chosen();
  if (execution_commands.chosen) return execution_commands.chosen();
  if (replay_commands.chosen) return replay_commands.chosen();
  if (app.got_subcommand("record")) return record_test(record_options);
  if (credential_commands.chosen) return credential_commands.chosen();
  if (platform_commands.chosen) return platform_commands.chosen();
  if (flow_file_commands.chosen) return flow_file_commands.chosen();
  if (component_commands.chosen) return component_commands.chosen();
  if (app.got_subcommand("test")) return test_flows(test_options, components::make_catalogue());
  if (app.got_subcommand("eval")) return run_eval(eval_options);
  if (broker_question.what == "verify") return verify_broker(broker_question.data_folder, broker_question.json);
  if (!broker_question.what.empty()) return ask_broker(broker_question);
  if (app.got_subcommand("broker")) return serve_broker(broker_options);
  if (app.got_subcommand("status")) return show_status(status_options);
  return dead_letters(dead_letters_options);
}

}  // namespace millrace::app
