#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::broker {

/// Messages that have passed between clients and the broker, counted for operators.
struct Traffic {
  std::uint64_t published = 0;
  std::uint64_t confirmed = 0;  ///< basic.ack to publishers
  std::uint64_t refused = 0;    ///< basic.nack to publishers
  std::uint64_t returned = 0;   ///< mandatory ones that no queue took
  std::uint64_t delivered = 0;  ///< to consumers and by basic.get, redeliveries among them
  std::uint64_t redelivered = 0;
  std::uint64_t acknowledged = 0;  ///< by basic.ack, or delivered without the need of one
  std::uint64_t rejected = 0;      ///< by basic.nack or basic.reject, for good
  std::uint64_t requeued = 0;

  Traffic& operator+=(const Traffic& other) {
    published += other.published;
    confirmed += other.confirmed;
    refused += other.refused;
    returned += other.returned;
    delivered += other.delivered;
    redelivered += other.redelivered;
    acknowledged += other.acknowledged;
    rejected += other.rejected;
    requeued += other.requeued;
    return *this;
  }
};

/// What operators see of a consumer.
struct ConsumerStatus {
  std::string queue;
  std::string tag;
  bool acknowledges = true;
  bool exclusive = false;
  std::uint16_t prefetch = 0;  ///< 0: no limit
  std::uint32_t unsettled = 0;
};

/// What operators see of a channel.
struct ChannelStatus {
  std::uint16_t number = 0;
  std::string mode;               ///< plain | confirm | transaction
  std::uint16_t prefetch = 0;     ///< of all its consumers together; 0: no limit
  std::uint64_t unsettled = 0;    ///< deliveries that are out
  std::uint64_t unconfirmed = 0;  ///< publishes that wait for their confirm
  std::vector<ConsumerStatus> consumers;
};

/// What operators see of a connection.
struct ConnectionStatus {
  std::string user;
  std::string host;  ///< the virtual host
  std::string peer;
  std::string name;                ///< client property connection_name, else product
  std::size_t output_waiting = 0;  ///< bytes
  bool paused = false;             ///< no input is taken: commits are open or publishing is refused
  bool tls = false;
  std::vector<ChannelStatus> channels;
  Traffic traffic;

  std::uint64_t consumers() const {
    std::uint64_t count = 0;
    for (const auto& channel : channels) count += channel.consumers.size();
    return count;
  }
  std::uint64_t unsettled() const {
    std::uint64_t count = 0;
    for (const auto& channel : channels) count += channel.unsettled;
    return count;
  }
};

}  // namespace millrace::broker
