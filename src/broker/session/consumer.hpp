#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "broker/broker.hpp"

namespace millrace::broker {

class Channel;

/// A basic.consume of one channel: the place where the broker's deliveries come in. Outlives its basic.cancel as long
/// as deliveries of it are unsettled.
class Consumer final : public ConsumerSink, public std::enable_shared_from_this<Consumer> {
 public:
  Consumer(Channel& channel, std::string queue_name, std::string consumer_tag, const ConsumerSpec& spec,
           std::uint16_t prefetch_count)
      : queue(std::move(queue_name)),
        tag(std::move(consumer_tag)),
        no_ack(spec.no_ack),
        exclusive(spec.exclusive),
        prefetch(prefetch_count),
        channel_(channel) {}

  bool ready() const override;
  void deliver(Delivery delivery) override;
  void cancelled(ConsumerId consumer) override;

  const std::string queue;
  const std::string tag;
  const bool no_ack;
  const bool exclusive;
  const std::uint16_t prefetch;  ///< deliveries out at a time; 0: no limit
  bool tells_count = false;      ///< of deliveries, the first among them (quorum queues)
  ConsumerId id;
  std::uint32_t unsettled = 0;
  bool announced = false;  ///< basic.consume-ok stands in the output: deliveries may follow
  bool cancelled_by_client = false;
  bool noted_for_resume = false;

 private:
  Channel& channel_;
};

}  // namespace millrace::broker
