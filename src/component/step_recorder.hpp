#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "amqp/client/link.hpp"
#include "component/action.hpp"
#include "component/lineage.hpp"
#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "history/policy.hpp"
#include "history/record.hpp"
#include "history/redaction.hpp"

namespace millrace::component {

/// Where a step's records go once what they tell of has taken effect.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  /// Framed records (history::encode). Takes them or drops them, at once.
  virtual void take(const std::string& records) = 0;
};

/// One message handled by a step, before it is committed.
struct Handled {
  const Lineage& lineage;
  const std::string& envelope;  ///< as it came
  const Message* input;         ///< as the action got it; nullptr: it did not get that far
  /// `failed` also after the last try. Its emissions may be gone: they stand in `published` where they went anywhere.
  const Outcome& outcome;
  std::span<const amqp::client::Outgoing> published;
  std::span<const Emission> unread;  ///< emissions of a step that has no next one
  bool over;                         ///< false: only a part of what it puts out; the rest comes later
  io::WallTime began;
  std::chrono::nanoseconds took;
};

/// Makes the history's records of one step, by the flow's policy and without secrets: those never leave the worker.
class StepRecorder {
 public:
  /// `environment` and `settings` outlive it.
  StepRecorder(const WorkerEnvironment& environment, const StepSettings& settings, bool starts_executions);

  /// Whether anything but errors may be recorded: then outputs are made even where no step reads them.
  static bool wants_outputs(const StepSettings& settings);
  /// Whether this message will be recorded if it does not fail.
  bool wants(const Lineage& lineage) const { return policy_.whole(lineage.execution_id); }
  /// Appends what is to be recorded of it to `to`; perhaps nothing.
  void add(const Handled& handled, std::string& to) const;

 private:
  void add_beginnings(const Handled& handled, std::string& to) const;
  void add_handled(const Handled& handled, std::string& to) const;
  bool is_about_the_step_itself(std::string_view routing_key) const;

  const WorkerEnvironment& environment_;
  const StepSettings& settings_;
  history::Policy policy_;
  history::Redaction redaction_;
  bool starts_executions_;
};

}  // namespace millrace::component
