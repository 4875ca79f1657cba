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
#include "app/component_command.hpp"
#include "app/eval_command.hpp"
#include "app/exit_code.hpp"
#include "app/flow_command.hpp"
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
  4    cannot listen on the address given with --http or --listen
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

std::string from_environment(const char* name, const std::string& otherwise) {
  const char* set = std::getenv(name);
  return set == nullptr || *set == '\0' ? otherwise : set;
}

void add_docker(CLI::App* command, DockerOptions& options) {
  options.engine = from_environment("DOCKER_HOST", "unix:///var/run/docker.sock");
  options.certificates = from_environment("DOCKER_CERT_PATH", "");
  options.image = "millrace:" MILLRACE_VERSION;
  const std::map<std::string, bool> drivers = {{"process", false}, {"docker", true}};
  command
      ->add_option("--driver", options.by_default,
                   "What runs workers where flow and step do not say: process or docker [process]")
      ->transform(CLI::CheckedTransformer(drivers).description(""))
      ->type_name("DRIVER");
  command->add_option("--docker", options.engine, "The Docker Engine; DOCKER_HOST is heeded")
      ->capture_default_str()
      ->type_name("ADDRESS");
  command
      ->add_option("--docker-certs", options.certificates,
                   "Folder with ca.pem, cert.pem, key.pem for tcp://; DOCKER_CERT_PATH is heeded")
      ->type_name("DIR");
  command->add_option("--docker-image", options.image, "The image with Millrace's own components")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--docker-network", options.network, "An existing network for containers [one of its own]")
      ->type_name("NAME");
  command
      ->add_option("--docker-door", options.door,
                   "The name or address at which containers reach the platform [their network's gateway]")
      ->type_name("HOST");
}

void add_run(CLI::App& app, RunOptions& options) {
  auto* command = app.add_subcommand("run", "Run flows in the foreground; Ctrl-C finishes what is in work and stops");
  add_flow_files(command, options.flow_files, options.env_file);
  add_data(command, options.data_folder);
  command->add_option("--http", options.http_address, "Where webhooks come in; port 0 takes any free one")
      ->capture_default_str()
      ->type_name("ADDR:PORT");
  const std::map<std::string, log::Level> levels = {{"debug", log::Level::debug},
                                                    {"info", log::Level::info},
                                                    {"warning", log::Level::warning},
                                                    {"error", log::Level::error}};
  command->add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(levels, CLI::ignore_case).description(""))
      ->type_name("LEVEL");
  quantity(command, "--worker-memory", options.worker_memory_max, "Memory one worker may use; 0 for no limit [512MB]",
           &component::parse_size)
      ->type_name("SIZE");
  quantity(command, "--start-timeout", options.start_timeout,
           "How long a worker may take from its start to its connection [30s]", &component::parse_duration)
      ->type_name("TIME");
  quantity(command, "--worker-silence", options.worker_silence,
           "How long a worker may give no sign of life before its messages go to another, and it is replaced [75s]",
           &component::parse_duration)
      ->type_name("TIME");
  quantity(command, "--grace", options.grace, "How long workers may take to finish when stopping [10s]",
           &component::parse_duration)
      ->type_name("TIME");
  add_docker(command, options.docker);
}

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

/// Commands that need no platform and no data folder: each leaves its work in `chosen`.
struct CatalogueCommands {
  std::vector<std::string> flow_files = {};
  std::string env_file = {};
  std::string name = {};
  bool json = false;
  bool tests = false;
  std::function<int(const component::Catalogue&)> chosen = {};

  void add(CLI::App& app) {
    auto* flow = app.add_subcommand("flow", "Flow files")->require_subcommand(1);
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

}  // namespace

int command_line(int argc, char** argv) {
  RunOptions run_options;
  StatusOptions status_options;
  DeadLettersOptions dead_letters_options;

  CLI::App app("Millrace runs integration flows: data between applications, and nothing is lost.", "millrace");
  app.require_subcommand(1);
  app.set_version_flag("--version", "millrace " MILLRACE_VERSION);
  app.footer(footer);
  add_run(app, run_options);
  TestOptions test_options;
  add_test(app, test_options);
  BrokerOptions broker_options;
  BrokerQuestion broker_question;
  add_broker(app, broker_options, broker_question);
  app.add_subcommand("worker", "Run one step; `millrace run` starts these itself");
  auto* status = app.add_subcommand("status", "What a running platform is doing");
  add_data(status, status_options.data_folder);
  status->add_flag("--json", status_options.json, "Print JSON");
  add_dead_letters(app, dead_letters_options);
  CatalogueCommands catalogue_commands;
  catalogue_commands.add(app);
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
  if (catalogue_commands.chosen) return catalogue_commands.chosen(components::make_catalogue());
  if (app.got_subcommand("test")) return test_flows(test_options, components::make_catalogue());
  if (app.got_subcommand("eval")) return run_eval(eval_options);
  if (!broker_question.what.empty()) return ask_broker(broker_question);
  if (app.got_subcommand("broker")) return serve_broker(broker_options);
  if (app.got_subcommand("run")) return run(run_options);
  if (app.got_subcommand("status")) return show_status(status_options);
  return dead_letters(dead_letters_options);
}

}  // namespace millrace::app
