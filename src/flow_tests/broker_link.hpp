#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "amqp/client/link.hpp"
#include "broker/broker.hpp"
#include "io/loop.hpp"

namespace millrace::flow_tests {

/// A step's link to a broker in the same process: what StepLink is over a socket, with the same guarantees. Destroying
/// it ends nothing in the broker; a flow test ends the broker with it, as a crash does. `open_commits` counts those
/// that are not durable yet. Loop, broker and count outlive it.
class BrokerLink final : public amqp::client::Link, public broker::ConsumerSink {
 public:
  BrokerLink(io::Loop& loop, broker::Broker& broker, const std::string& queue, std::uint16_t prefetch,
             std::size_t& open_commits, Handlers handlers);

  // Link
  void commit(amqp::client::Commit commit, std::function<void(Status)> done) override;
  void stop_consuming() override;
  void close(std::function<void()> closed) override;

  // ConsumerSink
  bool ready() const override { return !stopped_ && out_.size() < prefetch_; }
  void deliver(broker::Delivery delivery) override;
  void cancelled(broker::ConsumerId consumer) override;

 private:
  void post(std::function<void()> task);

  io::Loop& loop_;
  broker::Broker& broker_;
  broker::SessionId session_;
  broker::ConsumerId consumer_;
  std::uint16_t prefetch_;
  std::size_t& open_commits_;
  Handlers handlers_;
  std::map<std::uint64_t, broker::DeliveryId> out_;  ///< by tag: not yet acknowledged
  std::uint64_t last_tag_ = 0;
  bool stopped_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  ///< gone: nobody is called any more
};

}  // namespace millrace::flow_tests
