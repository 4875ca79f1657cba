#include "app/worker_launch.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "core/log_line.hpp"
#include "flow/plan.hpp"

namespace millrace::app {
namespace {

using Variable = std::pair<std::string, std::string>;

constexpr std::array<std::string_view, 18> inherited_names = {
    "PATH",          "TZ",           "TZDIR",          "TMPDIR",      "HTTP_PROXY", "HTTPS_PROXY",
    "ALL_PROXY",     "NO_PROXY",     "http_proxy",     "https_proxy", "all_proxy",  "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "LANG",        "LANGUAGE",   "NODE_EXTRA_CA_CERTS"};

/// Of these, what does not tell of files of this machine.
constexpr std::array<std::string_view, 11> inherited_by_containers = {
    "TZ",          "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy",
    "https_proxy", "all_proxy",  "no_proxy",    "LANG",      "LANGUAGE"};

template <class Names>
std::vector<Variable> inherited(const Names& names) {
  std::vector<Variable> variables;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = text.substr(0, equals);
    const bool wanted =
        name.starts_with("LC_") || name.starts_with("MILLRACE_VAR_") || std::ranges::find(names, name) != names.end();
    if (wanted) variables.emplace_back(name, text.substr(equals + 1));
  }
  return variables;
}

}  // namespace

flow::Running running_of(const ServeOptions& options) {
  flow::Running running;
  running.driver = options.docker.by_default ? flow::Running::Driver::docker : flow::Running::Driver::process;
  running.orders = options.amqp.empty();
  return running;
}

orchestrator::Launch worker_launch(const flow::WorkerPlan& plan, const orchestrator::WorkerKey& worker,
                                   const orchestrator::Credentials& credentials, const std::string& run_id,
                                   const ServeOptions& options) {
  auto environment = flow::environment_of(plan);
  environment.exec_id = run_id;
  environment.container_id = credentials.user;
  environment.workspace_id = "default";
  environment.user_id = "default";
  environment.api_username = credentials.user;
  environment.api_key = credentials.password;

  using How = orchestrator::Launch::How;
  orchestrator::Launch launch;
  launch.worker = worker;
  launch.how = plan.running.driver.value_or(*running_of(options).driver) == flow::Running::Driver::docker
                   ? How::container
                   : How::process;
  launch.image = plan.running.image;
  if (plan.settings.program && !plan.is_in_image) {
    launch.folder = plan.settings.program->folder;
    if (launch.image.empty()) launch.image = options.docker.nodejs_image;
  }
  launch.limits.memory_max = plan.running.memory_max.value_or(options.worker_memory_max);
  launch.limits.cpu_max = plan.running.cpu_max.value_or(0);
  launch.limits.pids_max = plan.running.pids_max.value_or(0);
  // The broker takes a connection for dead after two and a half intervals without a heartbeat.
  const auto heartbeat = std::max<std::int64_t>(1, options.worker_silence.count() / 2'500);
  launch.environment =
      [environment, broker = options.amqp, how = launch.how, heartbeat, shuts_down = worker.instance == 0,
       level = std::string(log::to_string(options.log_level))](const orchestrator::Doors& doors) mutable {
        const bool contained = how == How::container;
        environment.api_uri = "http://" + doors.api;
        environment.amqp_uri = broker;
        environment.commits = broker.empty() ? "" : "confirms";
        if (broker.empty()) {
          environment.amqp_uri = fmt::format("amqp://{}:{}@{}/%2F?heartbeat={}", environment.api_username,
                                             environment.api_key, doors.amqp, heartbeat);
        }
        auto variables = contained ? inherited(inherited_by_containers) : inherited(inherited_names);
        for (auto& variable : environment.variables()) variables.push_back(std::move(variable));
        variables.emplace_back("MILLRACE_LOG_LEVEL", level);
        if (shuts_down) variables.emplace_back("MILLRACE_SHUTDOWN", "1");
        if (contained && !shuts_down) variables.emplace_back("MILLRACE_OUTLIVES_PLATFORM", "60");
        return variables;
      };
  return launch;
}

}  // namespace millrace::app
