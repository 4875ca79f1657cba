#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.hpp"
#include "component/action.hpp"
#include "component/schedule.hpp"
#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "flow/flow.hpp"

namespace millrace::flow {

/// The names a flow's steps have in the broker. One place for all of them.
///
/// Each version of a flow has an exchange and queues of its own, so that a message stays on the version it began with:
///
///   exchange        flow.<flow>@<version>             direct, durable
///   queue of a step <flow>@<version>.<step>           bound with <step>:input and the <predecessor>:output of each
///                                                     predecessor
///   its rebounds    <flow>@<version>.<step>.rebounds  bound with <step>:rebound; expired messages return to
///                                                     <step>:input
///                                                     A step with `ordered_by` has none: its queue is bound with
///                                                     <step>:rebound, and keeps what is put back in its place
///   health          <flow>@<version>..health          bound with <step>:health of every action; in memory only: what
///                                                     workers tell the platform of their targets
///
/// All versions of a flow share, bound to the exchange of each:
///
///   a snapshot      <flow>.<step>.snapshot    bound with <step>:snapshot; x-max-length 1; of polling triggers
///   its ticks       <flow>.<step>.ticks       bound with <step>:tick; x-max-length 1; polling triggers and timers: the
///                                             scheduler's ledger of the last tick
///   dead letters    <flow>.dead-letters       bound with <step>:error of every step
///
/// All flows share one, bound to the exchange of each version, which keeps nothing:
///
///   accounts        millrace:accounts         bound with accounts: how many messages a step has filtered and given up
namespace names {
std::string exchange(std::string_view flow, std::int64_t version);
/// The version of a flow's exchange; nullopt if the name is no such one.
std::optional<std::int64_t> version_of_exchange(std::string_view exchange);
/// The flow of an exchange of that form, as a part of it; empty if the name is no such one.
std::string_view flow_of_exchange(std::string_view exchange);
std::string step_queue(std::string_view flow, std::int64_t version, std::string_view step);
std::string rebound_queue(std::string_view flow, std::int64_t version, std::string_view step);
std::string health_queue(std::string_view flow, std::int64_t version);
std::string snapshot_queue(std::string_view flow, std::string_view step);
std::string tick_queue(std::string_view flow, std::string_view step);
std::string dead_letter_queue(std::string_view flow);
/// Where a replay notes how far it is (replay::Replays): "replay.<id>", over the default exchange; x-max-length 1.
std::string replay_queue(std::string_view id);
std::string input_key(std::string_view step);
std::string output_key(std::string_view step);
/// What comes to a trigger from outside: its own input if it has a worker, else at once its output.
std::string first_key(const Step& trigger);
std::string rebound_key(std::string_view step);
std::string error_key(std::string_view step);
std::string health_key(std::string_view step);
inline constexpr std::string_view accounts_queue = "millrace:accounts";
inline constexpr std::string_view accounts_key = "accounts";
std::string snapshot_key(std::string_view step);
std::string tick_key(std::string_view step);
}  // namespace names

struct BindingPlan {
  std::string queue;
  std::string key;
};

/// One step that a worker runs.
struct WorkerPlan {
  std::string flow;
  std::int64_t version = 1;
  std::string step;
  std::string component;  ///< "http"
  std::string function;   ///< "request"
  Instances instances;
  Running running;
  std::optional<std::string> ordered_by;  ///< JSONata source of the keys by which its queue is ordered
  bool is_in_image = false;          ///< the installed component whose step it is, is in the image of its containers
  component::StepSettings settings;  ///< snapshot left at "{}"; the platform fills it in when asked

  std::string queue() const { return names::step_queue(flow, version, step); }
  std::string rebounds() const { return names::rebound_queue(flow, version, step); }
};

/// What the worker contract calls the step's queue, its flow's exchange and its routing keys; who the worker is and
/// where it finds broker and API is left to whoever starts it.
component::WorkerEnvironment environment_of(const WorkerPlan& worker);

/// A trigger that the scheduler wakes.
struct TickPlan {
  std::string step;
  bool polls = false;  ///< a tick is work for the trigger's own worker; otherwise it starts an execution itself
  component::Schedule schedule;
};

/// What begins the executions of a flow.
struct TriggerPlan {
  std::string step;
  std::string function;  ///< "webhook.receive"
  component::Descriptor::Kind kind = component::Descriptor::Kind::webhook_trigger;
  /// Routing key of what begins an execution: to the trigger's own worker if it has one, else to the steps after it.
  std::string key;
};

/// One version of a flow in the broker's and the orchestrator's terms: what must exist for it to run. Bindings are to
/// its exchange. Declaring it again is harmless; a plan of the same flow and version is always the same.
struct Plan {
  std::string flow;
  std::int64_t version = 1;
  TriggerPlan trigger;
  broker::ExchangeSpec exchange;
  std::vector<broker::QueueSpec> queues;
  std::vector<BindingPlan> bindings;
  std::vector<WorkerPlan> workers;
  std::optional<TickPlan> ticks;
  std::uint32_t first_steps = 0;  ///< how many get what the trigger brings
  std::optional<history::Policy> history = {};
};

Plan make_plan(const Flow& flow, std::int64_t version, const component::Catalogue& catalogue);

}  // namespace millrace::flow
