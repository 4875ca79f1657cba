#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace::tracing {

/// A place in a distributed trace: a span, and the trace it belongs to (W3C Trace Context,
/// https://www.w3.org/TR/trace-context/). A message carries one in its AMQP headers `traceparent` and `tracestate`.
struct Context {
  static constexpr std::size_t state_max = 512;  ///< bytes of tracestate that are carried on; a longer one is left out

  std::string trace_id = {};  ///< 32 lower-case hexadecimal digits; empty: this is in no trace
  std::string span_id = {};   ///< 16 of them
  bool sampled = false;       ///< whether its spans are recorded; all that take part in a trace do alike
  std::string state = {};     ///< tracestate, as it came: printable ASCII

  explicit operator bool() const { return !trace_id.empty(); }
  /// The header `traceparent`, version 00; empty if this is in no trace.
  std::string traceparent() const;
  /// Another span of the same trace.
  Context next() const;

  /// What two headers say. No trace if `traceparent` is malformed: then `tracestate` does not count either (§3.2.2.3).
  static Context read(std::string_view traceparent, std::string_view tracestate);
  /// The first span of a new trace, which is sampled with this probability, from 0 to 1.
  static Context begin(double ratio);
};

}  // namespace millrace::tracing
