#pragma once

#include <string>
#include <string_view>

#include "broker/message.hpp"
#include "tracing/tracer.hpp"

namespace millrace::flow {

/// For the header `traceparent` of the first message of an execution that the platform begins by itself: the first span
/// of a new trace. Empty without a tracer.
std::string new_traceparent(const tracing::Tracer* tracer);

/// That message is durable: its span is told to the tracer, if there is one. `via`: timer, run-now, replay.
void tell_beginning(const tracing::Tracer* tracer, const broker::Message& message, std::string_view via);

}  // namespace millrace::flow
