#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace millrace::component {

/// The worker contract: a worker's environment in elastic.io's published form (npm `elasticio-sailor-nodejs`,
/// lib/settings.js). Native and Node.js workers are started with the same variables.
struct WorkerEnvironment {
  std::string flow_id;               ///< ELASTICIO_FLOW_ID
  std::string step_id;               ///< ELASTICIO_STEP_ID
  std::string exec_id;               ///< ELASTICIO_EXEC_ID: this start of the flow
  std::string container_id;          ///< ELASTICIO_CONTAINER_ID: this worker
  std::string workspace_id;          ///< ELASTICIO_WORKSPACE_ID
  std::string user_id;               ///< ELASTICIO_USER_ID
  std::string component;             ///< ELASTICIO_COMP_ID
  std::string function;              ///< ELASTICIO_FUNCTION
  std::string api_uri;               ///< ELASTICIO_API_URI: http://127.0.0.1:port
  std::string api_username;          ///< ELASTICIO_API_USERNAME
  std::string api_key;               ///< ELASTICIO_API_KEY
  std::string amqp_uri;              ///< ELASTICIO_AMQP_URI
  std::string listen_messages_on;    ///< ELASTICIO_LISTEN_MESSAGES_ON: the step's queue
  std::string publish_messages_to;   ///< ELASTICIO_PUBLISH_MESSAGES_TO: the flow's exchange
  std::string data_routing_key;      ///< ELASTICIO_DATA_ROUTING_KEY
  std::string error_routing_key;     ///< ELASTICIO_ERROR_ROUTING_KEY
  std::string rebound_routing_key;   ///< ELASTICIO_REBOUND_ROUTING_KEY
  std::string snapshot_routing_key;  ///< ELASTICIO_SNAPSHOT_ROUTING_KEY
  std::string prefetch;              ///< ELASTICIO_RABBITMQ_PREFETCH_SAILOR, decimal; empty: the worker chooses
  /// MILLRACE_COMMITS: "confirms" where the broker is RabbitMQ (amqp::client::ConfirmedCommits); empty: transactions.
  std::string commits;

  bool confirms() const { return commits == "confirms"; }

  /// Names and values for the child process.
  std::vector<std::pair<std::string, std::string>> variables() const;
  /// From this process's environment; Error::invalid names the first missing variable.
  static Result<WorkerEnvironment> from_process();
};

}  // namespace millrace::component
