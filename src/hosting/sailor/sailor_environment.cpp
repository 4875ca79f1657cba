#include "hosting/sailor/sailor_environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "component/outbox.hpp"
#include "hosting/sailor/cipher.hpp"
#include "hosting/sailor/handled.hpp"
#include "hosting/sailor/preload.hpp"

namespace millrace::hosting::sailor {
namespace {

/// What a worker takes, as the library measures it: encrypted, in base64.
constexpr std::size_t outgoing_size_max = (component::message_size_max + Cipher::iv_size) / 3 * 4;

/// The library says something at level info about each message: a line of 700 bytes, which would rule its throughput.
std::string log_level() {
  const char* set = std::getenv("MILLRACE_LOG_LEVEL");
  const std::string level = set == nullptr ? "info" : set;
  return level == "debug" ? "info" : level == "error" ? "error" : "warn";
}

/// Bodies above go to the object storage, and their messages only name them.
constexpr std::size_t inline_size_max = 32u << 20;

}  // namespace

std::vector<std::string> sailor_command(const component::Program& program) {
  if (!program.command.empty()) return program.command;
  std::vector<std::string> command{"node"};
  if (std::filesystem::exists(std::filesystem::path(program.folder) / preload_file)) {
    command.insert(command.end(), {"--require", "./" + std::string(preload_file)});
  }
  command.emplace_back("./node_modules/elasticio-sailor-nodejs/run.js");
  return command;
}

Variables sailor_environment(const component::WorkerEnvironment& worker, const component::StepSettings& settings,
                             const Doors& doors, std::size_t prefetch) {
  auto variables = inherited_variables();
  const auto add = [&](const char* name, std::string value) {
    variables.emplace_back(std::string("ELASTICIO_") + name, std::move(value));
  };
  add("FLOW_ID", worker.flow_id);
  add("TASK_ID", worker.flow_id);
  add("STEP_ID", worker.step_id);
  add("EXEC_ID", worker.exec_id);
  add("CONTAINER_ID", worker.container_id);
  add("WORKSPACE_ID", worker.workspace_id);
  add("USER_ID", worker.user_id);
  add("COMP_ID", worker.component);
  add("COMP_NAME", worker.component);
  add("FUNCTION", settings.program->function);
  add("FLOW_TYPE", "ordinary");
  add("CONTRACT_ID", worker.workspace_id);
  add("TENANT_ID", worker.workspace_id);
  add("EXEC_TYPE", "flow-step");
  add("API_URI", fmt::format("http://127.0.0.1:{}", doors.api_port));
  add("API_USERNAME", doors.login.user);
  add("API_KEY", doors.login.password);
  add("API_REQUEST_RETRY_ATTEMPTS", "3");
  add("API_REQUEST_RETRY_DELAY", "100");
  // Without that number its client cuts messages into frames of 4 KB.
  add("AMQP_URI", fmt::format("amqp://{}:{}@127.0.0.1:{}?frameMax={}", doors.login.user, doors.login.password,
                              doors.amqp_port, amqp::frame_size_usual));
  add("AMQP_PERSISTENT_MESSAGES", "true");
  add("OUTGOING_MESSAGE_SIZE_LIMIT", std::to_string(outgoing_size_max));
  add("LISTEN_MESSAGES_ON", worker.listen_messages_on);
  add("PUBLISH_MESSAGES_TO", worker.publish_messages_to);
  add("DATA_ROUTING_KEY", keys::data);
  add("ERROR_ROUTING_KEY", keys::error);
  add("REBOUND_ROUTING_KEY", keys::rebound);
  add("SNAPSHOT_ROUTING_KEY", keys::snapshot);
  add("MESSAGE_CRYPTO_PASSWORD", doors.password);
  add("MESSAGE_CRYPTO_IV", doors.iv);
  add("RABBITMQ_PREFETCH_SAILOR", std::to_string(prefetch));
  if (settings.objects) {
    add("OBJECT_STORAGE_URI", worker.api_uri);
    add("OBJECT_STORAGE_TOKEN", settings.objects->token);
    add("OBJECT_STORAGE_SIZE_THRESHOLD", std::to_string(inline_size_max));
    add("EMIT_LIGHTWEIGHT_MESSAGE", "true");
  }
  if (settings.startup) add("STARTUP_REQUIRED", "true");
  // The step's own retry policy decides when and how often; the library is only to agree.
  add("REBOUND_INITIAL_EXPIRATION", std::to_string(settings.retry.initial.count()));
  add("REBOUND_LIMIT", std::string(lifted_limit));
  add("DATA_RATE_LIMIT", std::string(lifted_limit));
  add("ERROR_RATE_LIMIT", std::string(lifted_limit));
  add("SNAPSHOT_RATE_LIMIT", std::string(lifted_limit));
  add("RATE_INTERVAL", "100");
  variables.emplace_back("LOG_LEVEL", log_level());
  // Who installed the component has the last word. Of two variables of one name a program sees the first.
  const auto& own = settings.program->environment;
  for (const auto& variable : own) {
    std::erase_if(variables, [&](const auto& one) { return one.first == variable.first; });
    variables.push_back(variable);
  }
  return variables;
}

}  // namespace millrace::hosting::sailor
