#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "amqp/client/broker_uri.hpp"
#include "core/result.hpp"
#include "io/posix/loop.hpp"

namespace millrace::amqp::client {

/// A connection to a broker as bytes: TCP, and TLS where its address says amqps://. What is written within a turn of
/// the loop goes out in one piece. It knows nothing of AMQP but the heartbeat.
///
/// Of `failed` and `cut` one is called, once, and after it nothing more; after close() and the destructor nothing is.
/// Handlers come on the loop, never from inside a call into the transport, and may destroy it. Thread: the loop's.
class Transport {
 public:
  struct Handlers {
    std::function<void(std::string_view)> input;  ///< bytes from the broker
    /// Error::unavailable: not reached in BrokerUri::connection_timeout, TLS refused by either side, silent for two
    /// heartbeat intervals. Error::invalid: a file of the address cannot be used.
    std::function<void(Error)> failed;
    std::function<void()> cut;  ///< the connection was there, and its other end or the network has ended it
  };

  /// Begins to connect.
  Transport(io::posix::AsioLoop& loop, BrokerUri uri, Handlers handlers);
  ~Transport();

  /// Takes `bytes` out of the string and sends them, as soon as the connection is there.
  void write(std::string& bytes);
  /// From now on, sends a heartbeat frame (AMQP 0-9-1 §4.2.7) where nothing else was sent in half an interval, and
  /// fails after two intervals of silence. 0: no more.
  void set_heartbeat(std::chrono::seconds interval);
  /// Ends the connection after one try to send what is there.
  void close();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::amqp::client
