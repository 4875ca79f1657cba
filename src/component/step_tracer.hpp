#pragma once

#include <string>

#include "component/lineage.hpp"
#include "component/step_recorder.hpp"
#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "io/loop.hpp"
#include "tracing/span.hpp"

namespace millrace::component {

/// Makes the spans of one step: each attempt at a message is one (CONSUMER), below what its headers name; each message
/// of a polling trigger begins a trace (PRODUCER); what the step asks of others (Services::spans) is added as it comes.
/// Names and attributes: docs/tracing.md. All outlive it.
class StepTracer final : public tracing::SpanSink {
 public:
  /// `settings.trace_ratio` is set.
  StepTracer(const io::Loop& loop, const WorkerEnvironment& environment, const StepSettings& settings)
      : loop_(loop), environment_(environment), settings_(settings) {}

  /// The attempt at this message begins: what comes of it stands below its span. Nothing where the trace is not
  /// sampled.
  void begin(Lineage& lineage) const;
  /// The attempt is over, once the step is through with the message for now.
  void add(const Handled& handled);
  /// A polling trigger's page.
  void add_beginnings(const Handled& handled, io::SteadyTime began);
  void add(const tracing::Span& span) override { encode(span, gathered_); }

  /// What was added since, framed: to be sent once it has taken effect.
  std::string take();

 private:
  const io::Loop& loop_;
  const WorkerEnvironment& environment_;
  const StepSettings& settings_;
  std::string gathered_;
};

}  // namespace millrace::component
