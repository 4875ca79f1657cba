#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "amqp/client/connection.hpp"
#include "broker/queues.hpp"
#include "io/loop.hpp"

namespace millrace::rabbitmq {

/// A channel with the platform's own consumers. They consume again on each new connection; what they held then comes
/// again, and settling it has no effect. One that is refused (its queue is not there) is tried again each second.
/// Thread: the loop's.
class Consumers final : public amqp::client::ChannelUser {
 public:
  Consumers(io::Loop& loop, amqp::client::Connection& connection, std::uint16_t channel);
  ~Consumers() override;
  Consumers(const Consumers&) = delete;
  Consumers& operator=(const Consumers&) = delete;

  /// Such that acknowledge have at most `prefetch` unsettled deliveries.
  void add(broker::ConsumerId id, std::string queue, bool no_ack, broker::ConsumerSink& sink);
  void remove(broker::ConsumerId id);
  /// Those of this queue, which goes.
  void remove_queue(const std::string& queue);
  void settle(const broker::Settlement& settlement);
  /// While false nothing begins to consume: the queues are being declared.
  void allow(bool allowed);

  static constexpr std::uint16_t prefetch = 100;

  void opened() override;
  void replied(amqp::MethodId id, amqp::Reader& in) override;
  void brought(amqp::client::Content content) override;
  void closed(amqp::ReplyCode code, const std::string& why) override;

 private:
  struct Consumer {
    std::string queue;
    bool no_ack = false;
    broker::ConsumerSink* sink = nullptr;
  };

  void begin_waiting();
  void begin_later(const std::string& tag);

  io::Loop& loop_;
  amqp::client::Connection& connection_;
  const std::uint16_t channel_;
  std::map<std::string, Consumer> consumers_;        ///< by tag: the consumer's id as text
  std::set<std::string> waiting_;                    ///< tags of those that shall begin to consume
  std::set<std::string> resting_;                    ///< tags of those that were refused lately
  std::deque<std::string> asked_;                    ///< tags, in the order of basic.consume; not answered yet
  std::map<broker::DeliveryId, std::uint64_t> out_;  ///< delivery tags of this channel
  std::uint64_t last_delivery_ = 0;
  bool open_ = false;
  bool allowed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::rabbitmq
