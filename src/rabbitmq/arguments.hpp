#pragma once

#include "amqp/field_table.hpp"
#include "broker/queues.hpp"

namespace millrace::rabbitmq {

/// Where a queue of a flow's plan is kept.
enum class Place {
  rabbitmq,    ///< a quorum queue
  connection,  ///< an exclusive queue: there while the platform's connection is
  store,       ///< keeps its last message only: LastValues
  nowhere,     ///< what RabbitMQ has no use for: reports to the embedded broker's books and gates
};
Place place_of(const broker::QueueSpec& queue);

/// The arguments of a quorum queue in the place of one that the embedded broker would make: without those of Millrace,
/// and such that what it dead-letters is never lost
/// (https://www.rabbitmq.com/docs/quorum-queues#dead-lettering, at-least-once).
amqp::FieldTable arguments_of(const broker::QueueSpec& queue);

}  // namespace millrace::rabbitmq
