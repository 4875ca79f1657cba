#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "core/result.hpp"
#include "hosting/sailor/amqp_peer.hpp"
#include "io/posix/loop.hpp"

namespace millrace::hosting::sailor {

/// Where a component's library connects to: AMQP 0-9-1 on 127.0.0.1 at any free port, a peer each connection. It
/// usually has two, one to read and one to write. Thread: the loop's.
class AmqpDoor {
 public:
  static Result<std::unique_ptr<AmqpDoor>> open(io::posix::AsioLoop& loop, AmqpPeer::Login login,
                                                AmqpPeer::Events events);
  ~AmqpDoor();

  std::uint16_t port() const;
  /// The connection that consumes; nullptr if there is none. Valid until the next turn of the loop.
  AmqpPeer* consumer();
  /// To be called after something was put into a peer's output from outside its events.
  void send();
  void hold_confirms(bool hold);
  /// While held, nothing more is read from the component.
  void hold_input(bool hold);

 private:
  class State;
  explicit AmqpDoor(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace millrace::hosting::sailor
