#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "amqp/client/connection_protocol.hpp"
#include "amqp/client/step_link.hpp"

namespace millrace::amqp::client {

/// StepLink's side of the protocol without its socket: a connection with one channel. Never calls an event from inside
/// anything but input(). After `failed` or `closed` no more events come.
class LinkProtocol {
 public:
  struct Events {
    std::function<void()> opened = {};  ///< what is given to the channel goes out at once
    std::function<void()> ready;
    std::function<void(Delivery)> delivered;
    std::function<void()> committed;  ///< the oldest transaction not yet answered
    std::function<void(Error)> failed;
    std::function<void()> closed;
    // In confirm mode:
    std::function<void(std::uint64_t number, bool multiple, bool confirmed)> answered = {};
    std::function<void(Outgoing message, const std::string& why)> returned = {};
    std::function<void(bool blocked)> blocked = {};
    std::function<void()> cancelled = {};  ///< the consumer has ended as it was told to
  };

  LinkProtocol(BrokerUri uri, StepLink::Settings settings, Events events);

  void input(std::string_view bytes) { connection_.input(bytes); }
  /// A transaction.
  void commit(Commit commit);
  /// In confirm mode, once the channel is open. Mandatory.
  void publish(const Outgoing& message);
  void settle(const Commit& commit);
  /// Consumes the queue from now on; in confirm mode that is left to the caller.
  void consume(std::uint16_t prefetch);
  void stop_consuming();
  void close();

  /// Bytes to send; the caller takes them out.
  std::string& output() { return connection_.output(); }
  /// What connection.tune agreed on, in seconds; 0 before that.
  std::uint16_t heartbeat_interval() const { return connection_.heartbeat_interval(); }
  /// Whether commits go out at once; until then they gather.
  bool is_open() const { return stage_ == Stage::open; }
  /// What a closed socket means at this point.
  Error end_of_stream() const { return connection_.end_of_stream(); }

 private:
  enum class Stage { opening, open, closing };

  ConnectionProtocol::Events events_of_connection();
  void fail(Error error);
  void open_channel();
  void open();
  void method(MethodId id, Reader& in);
  void take(Content content);
  void blocked(const std::optional<std::string>& reason);
  void write_publish(const Outgoing& message, bool mandatory);

  StepLink::Settings settings_;
  Events events_;
  ConnectionProtocol connection_;
  std::vector<Commit> held_;  // commits given before the channel was open
  std::string consumer_tag_;
  int consumers_ = 0;  // that there have been
  Stage stage_ = Stage::opening;
};

}  // namespace millrace::amqp::client
