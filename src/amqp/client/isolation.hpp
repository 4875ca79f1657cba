#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

#include "amqp/client/link.hpp"

namespace millrace::amqp::client {

/// Keeps a message that may crash its worker from taking others with it. A quorum queue counts for each message how
/// often it came back (x-delivery-count, https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling), and when
/// a worker is lost that is one more for all that it had been sent ahead. So a message that has come back twice is a
/// suspect, and is handed on alone: nothing else is out at the worker, nor sent to it. The embedded broker does this by
/// itself.
///
/// It begins with one message ahead, and with `prefetch` when that one is no suspect. When a suspect comes among others
/// the consumer is cancelled, what came before is worked through, then the suspects one by one, then it begins again.
/// What is set aside meanwhile shares the suspect's fate once more, with each instance of the step at most once. Pure
/// of sockets.
class Isolation {
 public:
  static constexpr std::int64_t suspect_from = 2;  ///< x-delivery-count

  struct Consumer {
    std::function<void(std::uint16_t prefetch)> consume;
    std::function<void()> cancel;  ///< is answered with cancelled()
    std::function<void(Delivery)> hand_on;
  };

  Isolation(std::uint16_t prefetch, Consumer consumer);

  void begin();
  void delivered(Delivery delivery);
  /// So many of what was handed on is acknowledged or given back.
  void settled(std::size_t count);
  void cancelled();
  /// No further deliveries are wanted.
  void stop();

 private:
  enum class Stage { idle, narrow, wide, cancelling };

  void hand_on(Delivery delivery);
  void cancel();
  void go_on();

  std::uint16_t prefetch_;
  Consumer consumer_;
  Stage stage_ = Stage::idle;
  std::deque<Delivery> aside_;  ///< suspects
  std::size_t out_ = 0;         ///< handed on and not settled
  bool widens_ = false;         ///< is cancelled to consume with more ahead
  bool stopped_ = false;
};

}  // namespace millrace::amqp::client
