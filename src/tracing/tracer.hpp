#pragma once

#include <string>
#include <string_view>

#include "io/loop.hpp"
#include "tracing/exporter.hpp"
#include "tracing/span.hpp"

namespace millrace::tracing {

/// The platform's own part in traces: webhooks, and the triggers that it runs itself, begin them; workers go on.
/// Thread: the loop's. Loop and exporter outlive it.
class Tracer {
 public:
  /// `ratio`: of the traces that begin here, which of them are sampled, from 0 to 1.
  Tracer(const io::Loop& loop, Exporter& exporter, double ratio) : loop_(loop), exporter_(exporter), ratio_(ratio) {}

  /// What is done for a caller who says that `context` is its span, or says nothing.
  Active begin(const Context& caller) const { return Active::below(caller, ratio_, loop_); }
  /// For the first message of an execution that nobody outside has asked for.
  Context begin_execution() const { return Context::begin(ratio_); }
  /// That message is durable: a PRODUCER span. `via`: timer, run-now, replay.
  void began(const Source& source, const Context& context, std::string_view via, std::string_view execution) const;
  /// `over` is only sent if its trace is sampled.
  void add(const Source& source, const Span& over) const;
  const io::Loop& loop() const { return loop_; }

 private:
  const io::Loop& loop_;
  Exporter& exporter_;
  double ratio_;
};

}  // namespace millrace::tracing
