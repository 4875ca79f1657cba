#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "component/descriptor.hpp"
#include "component/retry_policy.hpp"
#include "flow/instances.hpp"
#include "history/policy.hpp"

namespace millrace::flow {

/// Where something stands in a flow file. Lines and columns count from 1; 0 = unknown.
struct Position {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
};

/// JSONata source as written in the file; `at` is where its first character stands (errors inside are placed from
/// there).
struct Mapping {
  std::string source;
  Position at;
};

/// What runs a step's workers, and what each may use. What is not said here is said by the platform's command line.
struct Running {
  enum class Driver { process, docker };
  std::optional<Driver> driver;
  std::string image;                        ///< of its containers; empty: the one with Millrace's own components
  std::optional<std::uint64_t> memory_max;  ///< bytes
  std::optional<double> cpu_max;            ///< processors
  std::optional<std::uint32_t> pids_max;    ///< processes and threads
  bool orders = true;                       ///< whoever keeps its queue can hand out by key (`ordered_by`)
};

struct Step {
  std::string id;
  bool is_trigger = false;
  std::string function;  ///< "http.request"
  component::Descriptor::Kind kind = component::Descriptor::Kind::action;
  bool has_worker = true;
  std::vector<std::string> after;
  /// Checked against the descriptor, `${NAME}` replaced, defaults filled in (also inside object fields that are given
  /// or have a default themselves). Durations are integers (milliseconds), sizes are integers (bytes), expressions are
  /// JSONata source, a single text for a list is a list of one. component::Config reads this form.
  boost::json::object config;
  std::string credential;  ///< name of the one it logs in with, or asks callers for; empty: none
  Position credential_at;
  std::optional<Mapping> input;
  std::optional<Mapping> when;
  std::optional<Mapping> ordered_by;  ///< messages for which it yields one value are handled in order
  Instances instances;
  std::uint32_t concurrency = 0;  ///< StepSettings::concurrency
  bool parks = true;              ///< the step waits as a whole when its target is down
  Running running;
  component::RetryPolicy retry = component::RetryPolicy::usual();
  Position at;
};

/// A validated flow: one trigger, every action reachable from it, no cycles.
struct Flow {
  std::string name;  ///< [a-z0-9][a-z0-9-]*, at most 63 characters
  std::vector<Step> steps;
  std::optional<history::Policy> history = {};  ///< what is recorded of it; not said: what the platform says
  bool passthrough = false;                     ///< some mapping reads `passthrough`, so every step carries it on
  Position at;
  std::string source = {};  ///< its document as it was written

  const Step& trigger() const;
  const Step* find(std::string_view id) const;
  /// Ids of the steps that stand directly after `id`.
  std::vector<std::string> successors(std::string_view id) const;
};

/// Something wrong with a flow file, as one line for people: "file:line:column: field: message (mend)".
struct Problem {
  Position at;
  std::string field;    ///< path such as "steps[2].config.url"; may be empty
  std::string message;  ///< what is wrong
  std::string mend;     ///< what to do; may be empty

  std::string to_string() const;
};

}  // namespace millrace::flow
