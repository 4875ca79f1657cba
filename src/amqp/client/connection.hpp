#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "amqp/client/connection_protocol.hpp"
#include "core/result.hpp"
#include "io/posix/loop.hpp"

namespace millrace::amqp::client {

/// Who works on one channel of a Connection. Called on the loop, never from inside a call into the connection.
class ChannelUser {
 public:
  virtual ~ChannelUser() = default;
  /// The channel is open: for the first time, or again after closed(). What was said on it before is forgotten there.
  virtual void opened() = 0;
  /// Any method but those that have their own member; `in` stands before its arguments.
  virtual void replied(MethodId id, Reader& in) = 0;
  virtual void brought(Content) {}
  /// The broker closed it, or (code `connection_forced`) the whole connection is lost; opened() comes in any case.
  virtual void closed(ReplyCode code, const std::string& why) = 0;
};

/// A connection to a broker that makes itself anew whenever it is lost, after 0.1 s … 5 s, until it is closed; its
/// channels, which are given once, before open(), are opened again each time. Thread: the loop's.
class Connection {
 public:
  struct Handlers {
    /// The first time, and each time that it is there again.
    std::function<void()> opened;
    /// It is lost, or could not be made (said once, until it is there again).
    std::function<void(const Error& why)> lost;
    /// The broker takes no publishes (connection.blocked), and why; nullopt: it does again.
    std::function<void(const std::optional<std::string>& reason)> blocked;
  };

  /// `name` is how the broker lists it.
  Connection(io::posix::AsioLoop& loop, BrokerUri uri, std::string name, Handlers handlers);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Number 1 and up; `user` outlives the connection.
  void add_channel(std::uint16_t number, ChannelUser& user);
  void open();
  bool is_open() const;
  /// In order: what was said before is sent first. `closed` is called in any case, within 5 s.
  void close(std::function<void()> closed);

  /// For channels that are open; dropped otherwise.
  template <class Method>
  void send(std::uint16_t channel, const Method& method) {
    if (auto* protocol = writable(channel)) protocol->send(channel, method);
  }
  void publish(std::uint16_t channel, const basic::Publish& method, std::string_view properties, std::string_view body);
  /// Frames of this channel, made with amqp::write_method.
  void send_frames(std::uint16_t channel, std::string_view frames);

 private:
  class State;
  /// The protocol, if the channel is open; what is written to it goes out at the end of this turn of the loop.
  ConnectionProtocol* writable(std::uint16_t channel);

  std::shared_ptr<State> state_;
};

}  // namespace millrace::amqp::client
