#include "rabbitmq/consumers.hpp"

#include <charconv>
#include <utility>
#include <vector>

#include "core/log.hpp"

namespace millrace::rabbitmq {
namespace {

using amqp::MethodId;

constexpr std::chrono::seconds retry_interval{1};

broker::ConsumerId id_of(const std::string& tag) {
  std::uint64_t number = 0;
  std::from_chars(tag.data(), tag.data() + tag.size(), number);
  return broker::ConsumerId{number};
}

}  // namespace

Consumers::Consumers(io::Loop& loop, amqp::client::Connection& connection, std::uint16_t channel)
    : loop_(loop), connection_(connection), channel_(channel) {}

Consumers::~Consumers() {
  *alive_ = false;
}

void Consumers::add(broker::ConsumerId id, std::string queue, bool no_ack, broker::ConsumerSink& sink) {
  const auto tag = std::to_string(id.value);
  consumers_[tag] = {std::move(queue), no_ack, &sink};
  waiting_.insert(tag);
  begin_waiting();
}

void Consumers::remove(broker::ConsumerId id) {
  const auto tag = std::to_string(id.value);
  if (consumers_.erase(tag) == 0) return;
  if (waiting_.erase(tag) == 0) connection_.send(channel_, amqp::basic::Cancel{.consumer_tag = tag});
}

void Consumers::remove_queue(const std::string& queue) {
  std::vector<std::string> gone;
  for (const auto& [tag, consumer] : consumers_) {
    if (consumer.queue == queue) gone.push_back(tag);
  }
  for (const auto& tag : gone) {
    auto* const sink = consumers_.at(tag).sink;
    remove(id_of(tag));
    sink->cancelled(id_of(tag));
  }
}

void Consumers::settle(const broker::Settlement& settlement) {
  const auto out = out_.find(settlement.delivery);
  if (out == out_.end()) return;
  const auto tag = out->second;
  out_.erase(out);
  if (settlement.how == broker::Settle::ack) return connection_.send(channel_, amqp::basic::Ack{.delivery_tag = tag});
  const bool requeue = settlement.how == broker::Settle::requeue;
  connection_.send(channel_, amqp::basic::Nack{.delivery_tag = tag, .requeue = requeue});
}

void Consumers::allow(bool allowed) {
  allowed_ = allowed;
  begin_waiting();
}

void Consumers::opened() {
  connection_.send(channel_, amqp::basic::Qos{.prefetch_count = prefetch});
  open_ = true;
  for (const auto& [tag, consumer] : consumers_) {
    if (!resting_.contains(tag)) waiting_.insert(tag);
  }
  begin_waiting();
}

void Consumers::begin_later(const std::string& tag) {
  loop_.after(retry_interval, [this, alive = alive_, tag] {
    if (!*alive) return;
    resting_.erase(tag);
    if (consumers_.contains(tag)) waiting_.insert(tag);
    begin_waiting();
  });
}

void Consumers::begin_waiting() {
  if (!open_ || !allowed_) return;
  for (const auto& tag : std::exchange(waiting_, {})) {
    const auto& consumer = consumers_.at(tag);
    connection_.send(channel_,
                     amqp::basic::Consume{.queue = consumer.queue, .consumer_tag = tag, .no_ack = consumer.no_ack});
    asked_.push_back(tag);
  }
}

void Consumers::replied(MethodId id, amqp::Reader& in) {
  if (id == MethodId::basic_consume_ok && !asked_.empty()) {
    asked_.pop_front();
  } else if (id == MethodId::basic_cancel) {
    // The queue was deleted, or its leader has moved: it is looked for again.
    begin_later(std::string(amqp::basic::Cancel::read(in).consumer_tag));
  }
}

void Consumers::brought(amqp::client::Content content) {
  if (content.id != MethodId::basic_deliver) return;
  auto& brought = content.message;
  const auto known = consumers_.find(content.consumer_tag);
  if (known == consumers_.end()) {
    return connection_.send(channel_, amqp::basic::Nack{.delivery_tag = brought.tag, .requeue = true});
  }
  auto message = std::make_shared<broker::Message>();
  message->exchange = std::move(brought.exchange);
  message->routing_key = std::move(brought.routing_key);
  message->properties = std::move(brought.properties);
  message->body = std::move(brought.body);
  broker::Delivery delivery;
  delivery.id = broker::DeliveryId{++last_delivery_};
  delivery.consumer = id_of(known->first);
  delivery.message = std::move(message);
  delivery.redelivered = brought.redelivered;
  if (!known->second.no_ack) out_.emplace(delivery.id, brought.tag);
  known->second.sink->deliver(std::move(delivery));
}

void Consumers::closed(amqp::ReplyCode code, const std::string& why) {
  open_ = false;
  out_.clear();
  waiting_.clear();
  const auto asked = std::exchange(asked_, {});
  if (code == amqp::ReplyCode::connection_forced || asked.empty()) return;
  // The first of those that were not answered is the one that was refused: it waits, the others begin anew.
  const auto refused = consumers_.find(asked.front());
  if (refused == consumers_.end()) return;
  log::warning("RabbitMQ refuses that a queue is read", {{"queue", refused->second.queue}, {"reason", why}});
  resting_.insert(asked.front());
  begin_later(asked.front());
}

}  // namespace millrace::rabbitmq
