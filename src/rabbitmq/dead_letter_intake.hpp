#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "broker/queues.hpp"
#include "io/loop.hpp"
#include "rabbitmq/consumers.hpp"

namespace millrace::rabbitmq {

/// Takes what comes to the flows' queues of dead letters off them once it is kept elsewhere.
///
/// On a channel of its own, and a queue is read only from when it is seen to have some: a channel of RabbitMQ 3.10 that
/// begins to read a quorum queue without a leader hangs, for ever if the queue never gets one (it was made just before
/// a kill); while it has none RabbitMQ counts nothing in it. Thread: the loop's. Lifetime: loop and consumers outlive
/// it.
class DeadLetterIntake final : public broker::ConsumerSink {
 public:
  /// `kept` is told Done when the message may be forgotten here.
  using Keep =
      std::function<void(const std::string& flow, const broker::MessagePtr& message, std::function<void(Status)> kept)>;

  DeadLetterIntake(io::Loop& loop, Consumers& consumers, Keep keep);
  ~DeadLetterIntake() override;

  /// Reads that flow's queue from now on, as that consumer, unless it does already.
  void begin(broker::ConsumerId consumer, const std::string& flow, const std::string& queue);
  /// The connection is lost: nothing is read until begin().
  void end_all();

  bool ready() const override { return true; }
  void deliver(broker::Delivery delivery) override;
  void cancelled(broker::ConsumerId consumer) override;

 private:
  void settle(broker::DeliveryId delivery, const std::string& flow, const Status& kept);

  io::Loop& loop_;
  Consumers& consumers_;
  Keep keep_;
  std::map<broker::ConsumerId, std::string> flows_;
  std::set<std::string> reading_;  ///< flows
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::rabbitmq
