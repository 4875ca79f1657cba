#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "amqp/client/connection.hpp"
#include "broker/message.hpp"
#include "core/result.hpp"
#include "io/loop.hpp"

namespace millrace::rabbitmq {

/// A channel on which messages are published with confirms (https://www.rabbitmq.com/docs/confirms).
///
/// Guarantees: `done` is called once: with Done when RabbitMQ has confirmed the message, which a queue has taken and,
/// with quorum queues, most of its members have on disk. What a lost connection leaves unconfirmed is published again,
/// so it may be there twice. What no queue takes (basic.return) or a queue refuses (basic.nack) is tried again, after
/// 0.1 s … 5 s. After its patience it is given up, whatever became of it, with Error::unavailable and the last reason.
/// Messages are sent in the order given, as far as none is tried again. Thread: the loop's.
class Publisher final : public amqp::client::ChannelUser {
 public:
  using Confirmed = std::function<void(const Status&)>;

  Publisher(io::Loop& loop, amqp::client::Connection& connection, std::uint16_t channel);
  ~Publisher() override;
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// `patience` nullopt: for ever.
  void publish(broker::MessagePtr message, std::optional<std::chrono::milliseconds> patience, Confirmed done);
  /// While there is a reason nothing is sent: what is to be published waits.
  void hold(std::optional<std::string> reason);
  /// Messages that were given and are not done with.
  std::size_t waiting() const { return items_.size(); }
  std::uint64_t waiting_bytes() const { return bytes_; }
  /// Why they wait, as far as it is known.
  const std::string& reason() const { return reason_; }
  /// Called each time that nothing waits any more.
  void when_idle(std::function<void()> told) { told_ = std::move(told); }

  void opened() override;
  void replied(amqp::MethodId id, amqp::Reader& in) override;
  void brought(amqp::client::Content content) override;
  void closed(amqp::ReplyCode code, const std::string& why) override;

 private:
  struct Item {
    broker::MessagePtr message;
    std::optional<io::SteadyTime> give_up;
    Confirmed done;
    std::string trouble = {};  ///< why it was returned, until it is confirmed so
    int tries = 0;
  };
  using Number = std::uint64_t;  ///< of an item, ascending

  void send_waiting();
  void send(Number number, const Item& item);
  void settled(std::uint64_t tag, bool multiple, bool taken);
  void settled(Number number, bool taken);
  void try_again(Number number, Item& item);
  void finish(std::map<Number, Item>::iterator item, const Status& status);
  void watch_patience();
  void give_up();

  io::Loop& loop_;
  amqp::client::Connection& connection_;
  const std::uint16_t channel_;
  std::map<Number, Item> items_;
  std::deque<Number> unsent_;             ///< some of them may be given up already
  std::map<std::uint64_t, Number> sent_;  ///< by delivery tag of this channel
  std::uint64_t last_tag_ = 0;
  Number last_number_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<std::string> held_;
  std::string reason_ = "RabbitMQ has not been reached yet";
  std::function<void()> told_;
  io::TimerId timer_ = 0;
  bool open_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::rabbitmq
