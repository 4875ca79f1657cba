#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace millrace::amqp::client {

struct Delivery {
  std::uint64_t tag = 0;
  bool redelivered = false;
  std::string exchange;
  std::string routing_key;
  std::string properties;  ///< property flags and list as on the wire; amqp::decode_properties
  std::string body;
};

struct Outgoing {
  std::string exchange;
  std::string routing_key;
  std::string properties;  ///< amqp::encode_properties
  std::string body;
};

/// What takes effect together, as far as the broker can do that: publishes and acknowledgements.
struct Commit {
  std::vector<Outgoing> publishes;
  std::vector<std::uint64_t> acks;          ///< delivery tags
  std::vector<std::uint64_t> returns = {};  ///< of deliveries that go back to their place in the queue, uncounted

  bool empty() const { return publishes.empty() && acks.empty() && returns.empty(); }
};

/// A step's tie to its queue and its flow's exchange, whatever lies between.
///
/// Guarantees: commits are made in the order given and may be given while earlier ones are under way; `done` is called
/// with Done only when all of the commit has taken effect. When the tie is lost every open commit gets
/// Error::unavailable, `lost` is called once, and the link is dead: make a new one. Callbacks come on the loop, never
/// from inside a call into the link.
class Link {
 public:
  struct Handlers {
    std::function<void()> ready = {};  ///< consuming has begun
    std::function<void(Delivery)> delivered = {};
    std::function<void(Error)> lost = {};
    /// Of a link that mends itself (LastingLink): what was delivered so far is void, and comes again.
    std::function<void(Error)> interrupted = {};
  };

  virtual ~Link() = default;
  virtual void commit(Commit commit, std::function<void(Status)> done) = 0;
  /// No further deliveries; those under way may still arrive and need not be acknowledged.
  virtual void stop_consuming() = 0;
  /// Closes in order; unacknowledged deliveries return to the queue uncounted. `closed` is called in any case.
  virtual void close(std::function<void()> closed) = 0;
};

}  // namespace millrace::amqp::client
