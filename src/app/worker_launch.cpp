#include "app/worker_launch.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "component/worker_environment.hpp"

namespace millrace::app {
namespace {

using Variable = std::pair<std::string, std::string>;

constexpr std::array<std::string_view, 18> inherited_names = {
    "PATH",          "TZ",           "TZDIR",          "TMPDIR",      "HTTP_PROXY", "HTTPS_PROXY",
    "ALL_PROXY",     "NO_PROXY",     "http_proxy",     "https_proxy", "all_proxy",  "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "LANG",        "LANGUAGE",   "NODE_EXTRA_CA_CERTS"};

std::vector<Variable> inherited() {
  std::vector<Variable> variables;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = text.substr(0, equals);
    const bool wanted = name.starts_with("LC_") || std::ranges::find(inherited_names, name) != inherited_names.end();
    if (wanted) variables.emplace_back(name, text.substr(equals + 1));
  }
  return variables;
}

std::string level_name(log::Level level) {
  switch (level) {
    case log::Level::debug:
      return "debug";
    case log::Level::info:
      return "info";
    case log::Level::warning:
      return "warning";
    case log::Level::error:
      return "error";
  }
  return "info";
}

}  // namespace

orchestrator::Launch worker_launch(const flow::WorkerPlan& plan, const orchestrator::WorkerKey& worker,
                                   const orchestrator::Credentials& credentials, const WorkerDoors& doors,
                                   const std::string& run_id, const RunOptions& options) {
  namespace names = flow::names;
  component::WorkerEnvironment environment;
  environment.flow_id = plan.flow;
  environment.step_id = plan.step;
  environment.exec_id = run_id;
  environment.container_id = credentials.user;
  environment.workspace_id = "default";
  environment.user_id = "default";
  environment.component = plan.component;
  environment.function = plan.function;
  environment.api_uri = fmt::format("http://127.0.0.1:{}", doors.api_port);
  environment.api_username = credentials.user;
  environment.api_key = credentials.password;
  environment.amqp_uri =
      fmt::format("amqp://{}:{}@127.0.0.1:{}/%2F", credentials.user, credentials.password, doors.amqp_port);
  environment.listen_messages_on = names::step_queue(plan.flow, plan.step);
  environment.publish_messages_to = names::exchange(plan.flow);
  environment.data_routing_key = names::output_key(plan.step);
  environment.error_routing_key = names::error_key(plan.step);
  environment.rebound_routing_key = names::rebound_key(plan.step);
  environment.snapshot_routing_key = names::snapshot_key(plan.step);

  orchestrator::Launch launch;
  launch.name = worker.name();
  launch.memory_max = options.worker_memory_max;
  launch.environment = inherited();
  for (auto& variable : environment.variables()) launch.environment.push_back(std::move(variable));
  launch.environment.emplace_back("MILLRACE_LOG_LEVEL", level_name(options.log_level));
  return launch;
}

}  // namespace millrace::app
