#include "app/command_line/broker_commands.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>

#include "app/command_line/options.hpp"
#include "component/config.hpp"

namespace millrace::app {
namespace {

void add_memory_limit(CLI::App* command, std::optional<std::uint64_t>& target) {
  command
      ->add_option_function<std::string>(
          "--memory-limit",
          [&target](const std::string& text) {
            const auto value = component::parse_size(boost::json::value(text));
            if (!value) throw CLI::ValidationError("--memory-limit", value.error().message);
            target = *value;
          },
          "Memory in use beyond which publishers wait and consumers go on; 0 for no limit [half of the machine's]")
      ->type_name("SIZE");
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

}  // namespace

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
  add_memory_limit(command, options.memory_limit);
  add_log_level(command, options.log_level);
  add_broker_questions(command, question);
  add_verify(command, question);
}

}  // namespace millrace::app
