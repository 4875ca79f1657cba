#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "amqp/properties.hpp"
#include "broker/broker.hpp"
#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"

namespace millrace::tests {

/// A broker in virtual time, on a disk in memory, and what tests do with one.
struct SimBroker {
  explicit SimBroker(const broker::Limits& limits = {})
      : broker(std::move(*broker::Broker::open(loop, disk, offload, limits))), session(broker->begin_session()) {}

  void declare(const std::string& queue, const amqp::FieldTable& arguments = {}) {
    REQUIRE(broker->declare_queue(session, {.name = queue, .arguments = arguments}, {}));
    loop.run_for(std::chrono::milliseconds(10));
  }

  /// A persistent message of that many bytes.
  void publish(const std::string& queue, std::size_t size, std::uint8_t priority = 0) {
    amqp::Properties properties;
    properties.delivery_mode = 2;
    properties.priority = priority;
    auto message = std::make_shared<broker::Message>();
    *message = {"", queue, amqp::encode_properties(properties), std::string(size, 'x')};
    REQUIRE(broker->commit(session, {{std::move(message)}, {}}, [](const Status&) {}));
    loop.run_for(std::chrono::milliseconds(10));
  }

  /// The queue's first message, which is out from then on.
  broker::DeliveryId take(const std::string& queue) {
    const auto delivery = broker->get(session, queue, false);
    REQUIRE(delivery);
    REQUIRE(*delivery);
    return (*delivery)->id;
  }

  io::sim::SimDisk disk{1};
  io::sim::SimLoop loop;
  io::sim::SimOffload offload{loop};
  std::unique_ptr<broker::Broker> broker;
  broker::SessionId session;
};

}  // namespace millrace::tests
