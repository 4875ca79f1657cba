#include "rabbitmq/arguments.hpp"

namespace millrace::rabbitmq {

namespace {

/// A quorum queue counts each return, also of messages that a lost worker had only been sent ahead (each instance of a
/// step may take them with it once or twice, amqp::client::Isolation), or that were out when RabbitMQ was started
/// again. A healthy message is not to become a dead letter for that.
constexpr std::int64_t returns_without_fault = 8;

}  // namespace

Place place_of(const broker::QueueSpec& queue) {
  if (queue.exclusive) return Place::connection;
  if (!queue.durable) return Place::nowhere;
  return queue.arguments.integer("x-max-length") == 1 ? Place::store : Place::rabbitmq;
}

amqp::FieldTable arguments_of(const broker::QueueSpec& queue) {
  amqp::FieldTable arguments;
  if (place_of(queue) != Place::rabbitmq) return arguments;
  arguments.set("x-queue-type", "quorum");
  for (const auto& [name, value] : queue.arguments.entries()) {
    if (!name.starts_with("x-millrace-")) arguments.set(name, value);
  }
  if (const auto limit = arguments.integer("x-delivery-limit"); limit > 0) {
    arguments.set("x-delivery-limit", limit + returns_without_fault);
  }
  if (arguments.find("x-dead-letter-exchange") != nullptr) {
    arguments.set("x-dead-letter-strategy", "at-least-once");
    arguments.set("x-overflow", "reject-publish");
  }
  return arguments;
}

}  // namespace millrace::rabbitmq
