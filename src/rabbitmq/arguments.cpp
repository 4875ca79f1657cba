#include "rabbitmq/arguments.hpp"

namespace millrace::rabbitmq {

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
  if (arguments.find("x-dead-letter-exchange") != nullptr) {
    arguments.set("x-dead-letter-strategy", "at-least-once");
    arguments.set("x-overflow", "reject-publish");
  }
  return arguments;
}

}  // namespace millrace::rabbitmq
