#pragma once

#include <optional>
#include <string_view>

#include "amqp/properties.hpp"
#include "io/loop.hpp"

namespace millrace::component {

/// What a flow's message says of itself on the wire (ARCHITECTURE.md, messages on the wire); Lineage reads it. What is
/// empty is left out.
struct Origin {
  std::string_view message;    ///< its id
  std::string_view parent;     ///< the message it was made from
  std::string_view execution;  ///< begun by one event of the trigger
  std::string_view flow;
  std::string_view step;  ///< that made it
  std::string_view reply_to;
  std::string_view traceparent;  ///< tracing::Context's
  std::string_view tracestate;
  bool keyed = true;               ///< its id is the AMQP message-id, too: queues drop a repeat
  std::optional<io::WallTime> at;  ///< now; the age of what waits is told by it
};

/// Persistent JSON.
amqp::Properties properties_of(const Origin& origin);

}  // namespace millrace::component
