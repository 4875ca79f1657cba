#pragma once

#include <string>

#include "component/action.hpp"
#include "io/transfers.hpp"
#include "tracing/span.hpp"

namespace millrace::components {

/// A step's HTTP call as a part of its message's trace (semantic conventions for HTTP clients): the target is told by
/// `traceparent` and `tracestate`, and the call is a CLIENT span where the trace is recorded. Where it is not, the
/// message's own context goes on to the target.
class CallSpan {
 public:
  /// Adds the headers to the call.
  CallSpan(const component::Services& services, const tracing::Context& trace, io::HttpCall& call);

  /// `target`: the URL without what is secret (url_for_people).
  void ended(const Result<io::HttpAnswer, component::Outcome>& result, const std::string& target) const;

 private:
  const io::Loop& loop_;
  tracing::SpanSink* spans_;  ///< nullptr: there is no span
  std::string method_;
  tracing::Active active_;
};

}  // namespace millrace::components
