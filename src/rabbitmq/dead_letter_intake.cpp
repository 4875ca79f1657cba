#include "rabbitmq/dead_letter_intake.hpp"

#include <utility>

#include "core/log.hpp"

namespace millrace::rabbitmq {
namespace {

constexpr std::chrono::seconds retry_interval{1};

}  // namespace

DeadLetterIntake::DeadLetterIntake(io::Loop& loop, Consumers& consumers, Keep keep)
    : loop_(loop), consumers_(consumers), keep_(std::move(keep)) {}

DeadLetterIntake::~DeadLetterIntake() {
  *alive_ = false;
}

void DeadLetterIntake::begin(broker::ConsumerId consumer, const std::string& flow, const std::string& queue) {
  if (!keep_ || !reading_.insert(flow).second) return;
  flows_[consumer] = flow;
  consumers_.add(consumer, queue, false, *this);
}

void DeadLetterIntake::end_all() {
  for (const auto& [consumer, flow] : flows_) consumers_.remove(consumer);
  flows_.clear();
  reading_.clear();
}

void DeadLetterIntake::deliver(broker::Delivery delivery) {
  const auto flow = flows_.find(delivery.consumer);
  if (flow == flows_.end()) return consumers_.settle({delivery.id, broker::Settle::requeue});
  keep_(flow->second, delivery.message,
        [this, alive = alive_, id = delivery.id, name = flow->second](const Status& kept) {
          if (*alive) settle(id, name, kept);
        });
}

void DeadLetterIntake::settle(broker::DeliveryId delivery, const std::string& flow, const Status& kept) {
  if (kept) return consumers_.settle({delivery, broker::Settle::ack});
  log::warning("a dead letter stays in RabbitMQ: it cannot be kept",
               {{"flow", flow}, {"reason", kept.error().message}});
  loop_.after(retry_interval, [this, alive = alive_, delivery] {
    if (*alive) consumers_.settle({delivery, broker::Settle::requeue});
  });
}

void DeadLetterIntake::cancelled(broker::ConsumerId consumer) {
  const auto gone = flows_.extract(consumer);
  if (!gone.empty()) reading_.erase(gone.mapped());
}

}  // namespace millrace::rabbitmq
