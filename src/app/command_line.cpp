#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "app/broker_command.hpp"
#include "app/commands.hpp"
#include "app/completion.hpp"
#include "app/component_command.hpp"
#include "app/deployment_command.hpp"
#include "app/eval_command.hpp"
#include "app/exit_code.hpp"
#include "app/flow_command.hpp"
#include "app/settings.hpp"
#include "app/test_command.hpp"
#include "app/variables.hpp"
#include "component/config.hpp"
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

template <class T, class Target>
CLI::Option* quantity(CLI::App* command, const std::string& name, Target& target, const std::string& what,
                      Result<T> (*parse)(const boost::json::value&)) {
  return command->add_option_function<std::string>(
      name,
      [&target, name, parse](const std::string& text) {
        const auto value = parse(boost::json::value(text));
        if (!value) throw CLI::ValidationError(name, value.error().message);
        target = *value;
      },
      what);
}

void add_data(CLI::App* command, std::string& folder) {
  command->add_option("--data", folder, "The data folder of the platform")->capture_default_str()->type_name("DIR");
}

void add_server(CLI::App* command, Server& server) {
  command->add_option("--server", server.url, "URL of a platform's API [MILLRACE_SERVER]")->type_name("URL");
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

void add_broker_questions(CLI::App* broker, BrokerQuestion& question) {
  const auto add = [&](const char* name, const char* what) {
    auto* command = broker->add_subcommand(name, what);
    command->callback([&question, name] { question.what = name; });
    add_data(command, question.data_folder);
    command->add_flag("--json", question.json, "Print JSON");
    return command;
  };
  add("queues", "The queues of a running broker or platform");
  add("exchanges", "Its exchanges");
  add("bindings", "What is bound to them");
  add("connections", "Its clients");
  add("channels", "Their channels");
  add("consumers", "Their consumers");
  for (auto* command : {add("peek", "The first messages of a queue; they stay there"),
                        add("purge", "Drop the messages of a queue that wait for a consumer")}) {
    command->add_option("QUEUE", question.queue, "The queue's name")->required();
    command->add_option("--vhost", question.host, "Its virtual host")->capture_default_str()->type_name("NAME");
    if (command->get_name() == "purge") continue;
    command->add_option("--count", question.count, "How many, at most 1000")->capture_default_str()->type_name("N");
  }
}

void add_verify(CLI::App* broker, BrokerQuestion& question) {
  auto* command =
      broker->add_subcommand("verify", "Check all that is stored, also while a broker runs, and name damage");
  command->callback([&question] { question.what = "verify"; });
  command->add_option("DIR", question.data_folder, "The data folder")->required();
  command->add_flag("--json", question.json, "Print JSON");
}

void add_broker(CLI::App& app, BrokerOptions& options, BrokerQuestion& question) {
  auto* command = app.add_subcommand("broker", "The message queue alone, for any AMQP 0-9-1 client");
  command->require_subcommand(0, 1);
  command
      ->add_option("--listen", options.listen,
                   "Where clients connect, may be repeated; port 0 takes any free one [localhost:5672]")
      ->type_name("ADDR:PORT");
  command->add_option("--tls", options.tls_listen, "Where clients connect with TLS (amqps), may be repeated")
      ->type_name("ADDR:PORT");
  command->add_option("--tls-certificate", options.tls.certificate, "The certificate and its chain, PEM")
      ->type_name("FILE");
  command->add_option("--tls-key", options.tls.key, "The certificate's key, PEM")->type_name("FILE");
  command
      ->add_option("--tls-client-ca", options.tls.client_ca,
                   "Ask clients with TLS for a certificate that one of these has signed, PEM")
      ->type_name("FILE");
  add_data(command, options.data_folder);
  command->add_option("--user", options.users, "Who may connect, may be repeated [guest:guest, on loopback only]")
      ->type_name("NAME:PASSWORD");
  command
      ->add_option("--user-file", options.user_files,
                   "A file with lines NAME:PASSWORD, which others cannot see in `ps`")
      ->type_name("FILE");
  command->add_option("--vhost", options.hosts, "A virtual host beside /, may be repeated")->type_name("NAME");
  command
      ->add_option("--permit", options.permissions,
                   "What a user may do where, may be repeated; a pattern is a name in which * is any run of characters")
      ->type_name("USER:VHOST:CONFIGURE:WRITE:READ");
  command
      ->add_option("--product", options.product,
                   "What the broker calls itself to clients, many of which look for RabbitMQ by name")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--metrics", options.metrics, "Where Prometheus asks for /metrics")->type_name("ADDR:PORT");
  quantity(command, "--memory-limit", options.memory_limit,
           "Memory in use beyond which publishers wait and consumers go on; 0 for no limit [half of the machine's]",
           &component::parse_size)
      ->type_name("SIZE");
  add_log_level(command, options.log_level);
  add_broker_questions(command, question);
  add_verify(command, question);
}

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

void add_dead_letters(CLI::App& app, DeadLettersOptions& options) {
  using Verb = DeadLettersOptions::Verb;
  auto* group = app.add_subcommand("dead-letters", "Messages that could not be processed")->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, Verb verb) {
    auto* command = group->add_subcommand(name, what);
    command->callback([&options, verb] { options.verb = verb; });
    add_data(command, options.data_folder);
    command->add_flag("--json", options.json, "Print JSON");
    command->add_option("--flow", options.flow, "Only those of this flow")->type_name("NAME");
    return command;
  };
  add("list", "What is there and why", Verb::list);
  add("show", "One message with its failure", Verb::show)
      ->add_option("ID", options.ids, "Message id, or its beginning")
      ->required()
      ->expected(1);
  for (auto* command : {add("retry", "Put messages back before the step that failed", Verb::retry),
                        add("drop", "Delete messages for good", Verb::drop)}) {
    auto* ids = command->add_option("ID", options.ids, "Message ids, or their beginnings");
    command->add_flag("--all", options.all, "All of them")->excludes(ids);
  }
}

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

/// What to say about a first word that is no command; CLI11 only says that one is missing.
std::optional<std::string> unknown_command(const CLI::App& app, int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word.empty() || word.starts_with('-')) return std::nullopt;
  std::vector<std::string> known;
  for (const auto* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (std::ranges::find(known, word) != known.end()) return std::nullopt;
  return fmt::format("millrace: there is no command \"{}\" ({})", word, suggestion(word, known));
}

/// Commands over the API of a platform, near or far.
struct ApiCommands {
  ApiOptions options = {};
  std::function<int()> chosen = {};

  CLI::App* add(CLI::App* group, const char* name, const char* what, std::function<int(const ApiOptions&)> work) {
    auto* command = group->add_subcommand(name, what);
    add_server(command, options.server);
    command->add_flag("--json", options.json, "Print JSON");
    command->callback([this, work = std::move(work)] { chosen = [this, work] { return work(options); }; });
    return command;
  }

  void add_flows(CLI::App* group) {
    const auto of_one = [&](const char* name, const char* what, std::function<int(const ApiOptions&)> work) {
      auto* command = add(group, name, what, std::move(work));
      command->add_option("FLOW", options.flow, "The flow's name")->required();
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
        ->add_option("--body", options.body, "What the webhook would be sent, JSON")
        ->type_name("JSON");
    of_one("history", "Its versions, newest first", &show_flow_history);
    auto* diff = of_one("diff", "How a version differs from the one before", &diff_flow);
    diff->add_option("VERSION", options.version, "The version; if not given, the current one");
    diff->add_option("--against", options.against, "Another version, or draft")->type_name("VERSION");
    of_one("rollback", "Publish an earlier version again", &roll_back_flow)
        ->add_option("VERSION", options.version, "Which one; if not given, the one before the current one");
    of_one("delete", "Take it apart", &delete_flow)
        ->add_flag("--discard", options.discard, "Also with messages in flight or dead letters");
  }

  void add_all(CLI::App& app, CLI::App* flow_group) {
    auto* deploying = add(&app, "deploy", "Make flow files the current versions of their flows", &deploy);
    deploying->add_option("FLOW", options.files, "Flow files, YAML or JSON")->required();
    deploying->add_option("--comment", options.comment, "What has changed")->type_name("TEXT");
    add_flows(flow_group);
    auto* token = app.add_subcommand("token", "Tokens of the API")->require_subcommand(1);
    auto* create = add(token, "create", "Make one; it is printed this once", &create_token);
    create->add_option("NAME", options.name, "What it is called in lists and in the audit log")->required();
    create->add_option("--scope", options.scopes, "flows:read, flows:write, operate, credentials or admin; repeat it")
        ->required()
        ->type_name("SCOPE");
    add(token, "list", "Which there are", &list_tokens);
    add(token, "delete", "End one", &delete_token)->add_option("NAME", options.name, "Its name or id")->required();
  }
};

/// Commands that need no platform and no data folder: each leaves its work in `chosen`.
struct CatalogueCommands {
  std::vector<std::string> flow_files = {};
  std::string env_file = {};
  std::string name = {};
  bool json = false;
  bool tests = false;
  std::function<int(const component::Catalogue&)> chosen = {};

  CLI::App* flow = nullptr;

  void add(CLI::App& app) {
    flow = app.add_subcommand("flow", "Flow files, and the flows of a platform")->require_subcommand(1);
    auto* validate = flow->add_subcommand("validate", "Check flow files and name every problem");
    add_flow_files(validate, flow_files, env_file);
    validate->callback([this] { chosen = [this](const auto& catalogue) { return check_flows(catalogue); }; });
    auto* schema = flow->add_subcommand("schema", "Print the JSON Schema of flow files");
    schema->add_flag("--tests", tests, "Of test files instead");
    schema->callback([this] {
      chosen = [this](const auto& catalogue) { return tests ? print_test_schema() : print_flow_schema(catalogue); };
    });
    auto* component = app.add_subcommand("component", "Triggers and actions")->require_subcommand(1);
    component->add_subcommand("list", "What there is")->callback([this] {
      chosen = [](const auto& catalogue) { return list_components(catalogue); };
    });
    auto* show = component->add_subcommand("show", "What one does, its fields and examples");
    show->add_option("NAME", name, "A function such as http.request, or a component such as http")->required();
    show->add_flag("--json", json, "Print JSON");
    show->callback(
        [this] { chosen = [this](const auto& catalogue) { return show_component(name, json, catalogue); }; });
  }

  int check_flows(const component::Catalogue& catalogue) const {
    const auto values = variables(env_file);
    if (values) return validate_flows(flow_files, catalogue, *values);
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
  CatalogueCommands catalogue_commands;
  catalogue_commands.add(app);
  ApiCommands api_commands;
  api_commands.add_all(app, catalogue_commands.flow);
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
  if (api_commands.chosen) return api_commands.chosen();
  if (platform_commands.chosen) return platform_commands.chosen();
  if (catalogue_commands.chosen) return catalogue_commands.chosen(components::make_catalogue());
  if (app.got_subcommand("test")) return test_flows(test_options, components::make_catalogue());
  if (app.got_subcommand("eval")) return run_eval(eval_options);
  if (broker_question.what == "verify") return verify_broker(broker_question.data_folder, broker_question.json);
  if (!broker_question.what.empty()) return ask_broker(broker_question);
  if (app.got_subcommand("broker")) return serve_broker(broker_options);
  if (app.got_subcommand("status")) return show_status(status_options);
  return dead_letters(dead_letters_options);
}

}  // namespace millrace::app
