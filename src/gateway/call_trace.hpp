#pragma once

#include <functional>
#include <string>

#include "gateway/route.hpp"
#include "io/posix/http_server.hpp"
#include "tracing/tracer.hpp"

namespace millrace::gateway {

/// The trace that a webhook call belongs to, as it says by `traceparent` and `tracestate`; no trace where it says
/// nothing, or something malformed.
tracing::Context trace_of(const io::posix::HttpRequest& request);

/// The call as a SERVER span, from now until it is answered (semantic conventions for HTTP servers). Returns the
/// `respond` that ends it. The tracer outlives it.
io::posix::Respond traced(const tracing::Tracer& tracer, tracing::Active active, const Route& route,
                          const io::posix::HttpRequest& request, const std::string& execution,
                          io::posix::Respond respond);

}  // namespace millrace::gateway
