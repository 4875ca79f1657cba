#include "component/worker_environment.hpp"

#include <array>
#include <cstdlib>

namespace millrace::component {
namespace {

struct Variable {
  const char* name;
  std::string WorkerEnvironment::*field;
  bool required = true;
};

constexpr std::array<Variable, 20> known = {{
    {"ELASTICIO_FLOW_ID", &WorkerEnvironment::flow_id},
    {"ELASTICIO_STEP_ID", &WorkerEnvironment::step_id},
    {"ELASTICIO_EXEC_ID", &WorkerEnvironment::exec_id},
    {"ELASTICIO_CONTAINER_ID", &WorkerEnvironment::container_id},
    {"ELASTICIO_WORKSPACE_ID", &WorkerEnvironment::workspace_id, false},
    {"ELASTICIO_USER_ID", &WorkerEnvironment::user_id, false},
    {"ELASTICIO_COMP_ID", &WorkerEnvironment::component},
    {"ELASTICIO_FUNCTION", &WorkerEnvironment::function},
    {"ELASTICIO_API_URI", &WorkerEnvironment::api_uri},
    {"ELASTICIO_API_USERNAME", &WorkerEnvironment::api_username},
    {"ELASTICIO_API_KEY", &WorkerEnvironment::api_key},
    {"ELASTICIO_AMQP_URI", &WorkerEnvironment::amqp_uri},
    {"ELASTICIO_LISTEN_MESSAGES_ON", &WorkerEnvironment::listen_messages_on},
    {"ELASTICIO_PUBLISH_MESSAGES_TO", &WorkerEnvironment::publish_messages_to},
    {"ELASTICIO_DATA_ROUTING_KEY", &WorkerEnvironment::data_routing_key},
    {"ELASTICIO_ERROR_ROUTING_KEY", &WorkerEnvironment::error_routing_key},
    {"ELASTICIO_REBOUND_ROUTING_KEY", &WorkerEnvironment::rebound_routing_key},
    {"ELASTICIO_SNAPSHOT_ROUTING_KEY", &WorkerEnvironment::snapshot_routing_key},
    {"ELASTICIO_RABBITMQ_PREFETCH_SAILOR", &WorkerEnvironment::prefetch, false},
    {"MILLRACE_COMMITS", &WorkerEnvironment::commits, false},
}};

}  // namespace

std::vector<std::pair<std::string, std::string>> WorkerEnvironment::variables() const {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& variable : known) {
    const std::string& value = this->*variable.field;
    if (variable.required || !value.empty()) result.emplace_back(variable.name, value);
  }
  return result;
}

Result<WorkerEnvironment> WorkerEnvironment::from_process() {
  WorkerEnvironment environment;
  for (const auto& variable : known) {
    const char* value = std::getenv(variable.name);
    if (value == nullptr && variable.required) {
      return Error{Error::Kind::invalid, std::string("environment variable ") + variable.name +
                                             " is not set: a worker is started by the platform, see `millrace run`"};
    }
    if (value != nullptr) environment.*variable.field = value;
  }
  return environment;
}

}  // namespace millrace::component
