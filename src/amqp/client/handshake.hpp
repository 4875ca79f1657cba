#pragma once

#include <cstdint>
#include <string>

#include "amqp/client/broker_uri.hpp"
#include "amqp/frame.hpp"
#include "core/result.hpp"

namespace millrace::amqp::client {

/// A client's part in opening a connection (AMQP 0-9-1 §2.2.4): the login (PLAIN), the limits, the virtual host.
class Handshake {
 public:
  /// `name` is how the broker lists the connection; no more than `channels` are asked for.
  Handshake(BrokerUri uri, std::string name, std::uint16_t channels)
      : uri_(std::move(uri)), name_(std::move(name)), channels_(channels) {}

  /// Answers a method of the handshake; false: it is none.
  bool answer(MethodId id, Reader& in, std::string& output);
  /// Channels may be opened.
  bool is_over() const { return stage_ == Stage::over; }
  /// What a closed socket means at this point.
  Error end_of_stream() const;

  // What connection.tune agreed on; before that what we take.
  std::uint32_t frame_size_max() const { return frame_size_max_; }
  std::uint16_t heartbeat_interval() const { return heartbeat_interval_; }  ///< seconds; 0: none, or not agreed yet

 private:
  enum class Stage { greeting, login, opening, over };

  void tune(const connection::Tune& offered, std::string& output);

  BrokerUri uri_;
  std::string name_;
  std::uint16_t channels_;
  Stage stage_ = Stage::greeting;
  std::uint32_t frame_size_max_ = frame_size_usual;
  std::uint16_t heartbeat_interval_ = 0;
};

}  // namespace millrace::amqp::client
