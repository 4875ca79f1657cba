#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "component/program.hpp"
#include "component/retry_policy.hpp"
#include "core/result.hpp"
#include "history/policy.hpp"
#include "objects/access.hpp"

namespace millrace::component {

/// What a worker asks the platform for at start: `GET /v1/tasks/{flow}/steps/{step}`, in elastic.io's form (id,
/// comp_id, function, config, snapshot, is_passthrough, variables) with what only native workers read under "millrace".
struct StepSettings {
  std::string id;         ///< step id
  std::string component;  ///< "http"
  std::string function;   ///< "request"
  boost::json::object config;
  std::string snapshot = "{}";  ///< JSON text
  bool passthrough = false;

  std::optional<std::string> input;  ///< JSONata source
  std::optional<std::string> when;   ///< JSONata source
  RetryPolicy retry;
  std::uint32_t concurrency = 0;   ///< messages in work at once, at the most; 0: as the action has it
  std::string health_key = {};     ///< routing key for what TargetHealth tells; empty: nobody listens
  std::string accounts_key = {};   ///< routing key for what Outbox::add_account tells; empty: nobody listens
  bool has_successors = true;      ///< false: what the step emits has no reader and is not published
  std::uint32_t next_steps = 0;    ///< how many steps read it
  std::optional<Program> program;  ///< what does the step's work, if not this binary
  /// What is recorded. Not set: in a plan what the platform says, for a worker nothing.
  std::optional<history::Policy> history = {};
  /// Traces are recorded, and this fraction of those that begin at the step; not set: none are.
  std::optional<double> trace_ratio = {};
  bool startup = false;                         ///< a trigger's program has to run its startup hook first
  std::optional<objects::Access> objects = {};  ///< where its program may keep objects (elastic.io's library)
  std::string credential;                       ///< name of the one that the step logs in with; empty: none

  std::string to_json() const;
  /// Only what the contract knows, and `more`.
  std::string contract_json(boost::json::object more = {}) const;
  static Result<StepSettings> from_json(std::string_view text);
};

}  // namespace millrace::component
