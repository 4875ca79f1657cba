#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "io/posix/loop.hpp"

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

/// What one tx.commit makes effective: publishes and acknowledgements together.
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
    std::function<void()> ready;  ///< consuming has begun
    std::function<void(Delivery)> delivered;
    std::function<void(Error)> lost;
  };

  virtual ~Link() = default;
  virtual void commit(Commit commit, std::function<void(Status)> done) = 0;
  /// No further deliveries; those under way may still arrive and need not be acknowledged.
  virtual void stop_consuming() = 0;
  /// Closes in order; unacknowledged deliveries return to the queue uncounted. `closed` is called in any case.
  virtual void close(std::function<void()> closed) = 0;
};

/// The link of a worker: one connection to the broker, one channel in tx mode (AMQP 0-9-1 §1.9), one consumer.
class StepLink final : public Link {
 public:
  struct Settings {
    std::string uri;    ///< amqp(s)://user:password@host:port/vhost; see BrokerUri
    std::string queue;  ///< empty: publish only
    std::uint16_t prefetch = 1;
    std::string connection_name;
  };

  StepLink(io::posix::AsioLoop& loop, Settings settings, Handlers handlers);
  ~StepLink() override;

  void commit(Commit commit, std::function<void(Status)> done) override;
  void stop_consuming() override;
  void close(std::function<void()> closed) override;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::amqp::client
