#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "amqp/client/link.hpp"
#include "amqp/properties.hpp"
#include "component/message.hpp"
#include "core/result.hpp"
#include "tracing/span.hpp"

namespace millrace::component {

/// Where a delivered message comes from and how often it was tried: what its AMQP properties and headers say
/// (ARCHITECTURE.md, messages on the wire).
struct Lineage {
  amqp::Properties properties;  ///< as they came
  std::string message_id;       ///< header messageId, else the AMQP message-id; empty if there is neither
  std::string execution_id;     ///< header threadId, else message_id
  std::string reply_to;
  std::uint32_t losses = 0;   ///< header x-delivery-count: workers lost with it since it came to the queue
  bool probe = false;         ///< header x-millrace-probe, taken out: finds out whether the target is up again
  std::string order_failure;  ///< header x-millrace-order-failure, taken out: why its key could not be found out
  std::uint32_t attempt = 1;  ///< which one this is: header reboundIteration + losses + 1
  /// What is made or asked for on behalf of this message belongs below it: the attempt's own span where there is one,
  /// else what the headers traceparent and tracestate say.
  tracing::Context trace;
  std::optional<tracing::Active> span;  ///< of this attempt, where its trace is recorded

  /// Error::invalid if the properties are malformed.
  static Result<Lineage> read(const std::string& wire_properties);
  /// Whether its workers were lost so often that it is not to be tried again. The broker counts the losses since a
  /// message came to the queue, and a rebound comes anew: this is for those. One loss more is granted than there are
  /// attempts, as the first may have been shared with a neighbour.
  bool lost_too_often(std::uint32_t attempts) const {
    const bool rebounded = attempt > losses + 1;
    return rebounded && losses > 0 && attempt > attempts + 1;
  }
  /// Gives a message without an id one that is the same at every delivery: its envelope's id, or one made from its
  /// text.
  void name_after(const Message& message);
};

}  // namespace millrace::component
