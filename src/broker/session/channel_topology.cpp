#include "broker/session/channel_ask.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

Answer<std::string> Channel::queue_name(std::string_view given) const {
  if (!given.empty()) return std::string(given);
  if (last_queue_.empty()) return Refusal{ReplyCode::not_found, "no queue was declared on this channel to mean by ''"};
  return last_queue_;
}

Channel::Handled Channel::declare_exchange(const amqp::exchange::Declare& method) {
  if (method.passive) {
    if (method.exchange.empty()) {
      return Refusal{ReplyCode::access_refused, "operation not permitted on the default exchange"};
    }
    if (!context_.broker->has_exchange(method.exchange)) {
      return Refusal{ReplyCode::not_found, "no exchange '" + std::string(method.exchange) + "' in vhost '/'"};
    }
    if (!method.no_wait) replies_.answer(number_, amqp::exchange::DeclareOk{});
    return Done{};
  }
  if (!fits(context_.permissions.configure, method.exchange)) return not_permitted("declare", method.exchange);
  const ExchangeSpec spec{std::string(method.exchange), std::string(method.type), method.durable,
                          method.auto_delete,           method.internal,          method.arguments};
  return ask(method.no_wait, [&](Broker::Durable durable) -> Answer<amqp::exchange::DeclareOk> {
    auto done = context_.broker->declare_exchange(context_.session, spec, std::move(durable));
    if (!done) return done.error();
    return amqp::exchange::DeclareOk{};
  });
}

Channel::Handled Channel::delete_exchange(const amqp::exchange::Delete& method) {
  if (!fits(context_.permissions.configure, method.exchange)) return not_permitted("delete", method.exchange);
  const std::string name(method.exchange);
  if (!name.empty() && !context_.broker->has_exchange(name)) {  // deleting what is not there is no error (§1.6.2.3)
    if (!method.no_wait) replies_.answer(number_, amqp::exchange::DeleteOk{});
    return Done{};
  }
  return ask(method.no_wait, [&](Broker::Durable durable) -> Answer<amqp::exchange::DeleteOk> {
    auto done = context_.broker->delete_exchange(context_.session, name, method.if_unused, std::move(durable));
    if (!done) return done.error();
    return amqp::exchange::DeleteOk{};
  });
}

Channel::Handled Channel::declare_queue_passively(const std::string& queue, bool no_wait) {
  if (queue == reply_queue_prefix) {  // the door of direct replies is always there
    if (!no_wait)
      replies_.answer(number_, amqp::queue::DeclareOk{.queue = queue, .message_count = 0, .consumer_count = 1});
    return Done{};
  }
  // Whoever is to reply may ask whether the one who waits is still there.
  const auto shared = queue.starts_with(reply_queue_prefix) ? context_.broker->queue(queue) : std::nullopt;
  auto status = shared ? Answer<QueueStatus>(*shared) : context_.broker->open_queue(context_.session, queue);
  if (!status) return status.error();
  last_queue_ = queue;
  if (!no_wait) {
    replies_.answer(number_, amqp::queue::DeclareOk{.queue = queue,
                                                    .message_count = static_cast<std::uint32_t>(status->ready),
                                                    .consumer_count = status->consumers});
  }
  return Done{};
}

Channel::Handled Channel::declare_queue(const amqp::queue::Declare& method) {
  if (method.passive || method.queue == reply_queue_prefix) {
    auto name = queue_name(method.queue);
    if (!name) return name.error();
    return declare_queue_passively(*name, method.no_wait);
  }
  if (method.queue.starts_with("amq.") && !context_.broker->queue(method.queue)) {
    return Refusal{ReplyCode::access_refused,
                   "queue name '" + std::string(method.queue) + "' contains reserved prefix 'amq.*'"};
  }
  const std::string_view named = method.queue.empty() ? "amq.gen-" : method.queue;
  if (!fits(context_.permissions.configure, named)) return not_permitted("declare", named);
  const QueueSpec spec{std::string(method.queue), method.durable, method.exclusive, method.auto_delete,
                       method.arguments};
  return ask(method.no_wait, [&](Broker::Durable durable) -> Answer<amqp::queue::DeclareOk> {
    auto status = context_.broker->declare_queue(context_.session, spec, std::move(durable));
    if (!status) return status.error();
    last_queue_ = status->name;
    return amqp::queue::DeclareOk{.queue = last_queue_,
                                  .message_count = static_cast<std::uint32_t>(status->ready),
                                  .consumer_count = status->consumers};
  });
}

Channel::Handled Channel::bind_exchange(const amqp::exchange::Bind& method) {
  if (!fits(context_.permissions.write, method.destination)) return not_permitted("bind", method.destination);
  if (!fits(context_.permissions.read, method.source)) return not_permitted("bind from", method.source);
  const BindingSpec spec{std::string(method.source), std::string(method.destination), true,
                         std::string(method.routing_key), method.arguments};
  return ask(method.no_wait, [&](Broker::Durable durable) -> Answer<amqp::exchange::BindOk> {
    auto done = context_.broker->bind(context_.session, spec, std::move(durable));
    if (!done) return done.error();
    return amqp::exchange::BindOk{};
  });
}

Channel::Handled Channel::unbind_exchange(const amqp::exchange::Unbind& method) {
  if (!fits(context_.permissions.write, method.destination)) return not_permitted("unbind", method.destination);
  if (!fits(context_.permissions.read, method.source)) return not_permitted("unbind from", method.source);
  const BindingSpec spec{std::string(method.source), std::string(method.destination), true,
                         std::string(method.routing_key), method.arguments};
  return ask(method.no_wait, [&](Broker::Durable durable) -> Answer<amqp::exchange::UnbindOk> {
    auto done = context_.broker->unbind(context_.session, spec, std::move(durable));
    if (!done) return done.error();
    return amqp::exchange::UnbindOk{};
  });
}

Channel::Handled Channel::bind_queue(const amqp::queue::Bind& method) {
  auto queue = queue_name(method.queue);
  if (!queue) return queue.error();
  if (!fits(context_.permissions.write, *queue)) return not_permitted("bind", *queue);
  if (!fits(context_.permissions.read, method.exchange)) return not_permitted("bind from", method.exchange);
  // "If the queue name is empty, … and the routing key is too, the routing key is the queue's name" (§1.7.2.3.3).
  const std::string key(method.queue.empty() && method.routing_key.empty() ? std::string_view(*queue)
                                                                           : method.routing_key);
  const BindingSpec spec{std::string(method.exchange), *queue, false, key, method.arguments};
  return ask(method.no_wait, [&](Broker::Durable durable) -> Answer<amqp::queue::BindOk> {
    auto done = context_.broker->bind(context_.session, spec, std::move(durable));
    if (!done) return done.error();
    return amqp::queue::BindOk{};
  });
}

Channel::Handled Channel::unbind_queue(const amqp::queue::Unbind& method) {
  auto queue = queue_name(method.queue);
  if (!queue) return queue.error();
  if (!fits(context_.permissions.write, *queue)) return not_permitted("unbind", *queue);
  if (!fits(context_.permissions.read, method.exchange)) return not_permitted("unbind from", method.exchange);
  const BindingSpec spec{std::string(method.exchange), *queue, false, std::string(method.routing_key),
                         method.arguments};
  return ask(false, [&](Broker::Durable durable) -> Answer<amqp::queue::UnbindOk> {
    auto done = context_.broker->unbind(context_.session, spec, std::move(durable));
    if (!done) return done.error();
    return amqp::queue::UnbindOk{};
  });
}

Channel::Handled Channel::purge_queue(const amqp::queue::Purge& method) {
  auto queue = queue_name(method.queue);
  if (!queue) return queue.error();
  if (!fits(context_.permissions.read, *queue)) return not_permitted("purge", *queue);
  return ask(method.no_wait, [&](Broker::Durable durable) -> Answer<amqp::queue::PurgeOk> {
    auto count = context_.broker->purge_queue(context_.session, *queue, std::move(durable));
    if (!count) return count.error();
    return amqp::queue::PurgeOk{.message_count = static_cast<std::uint32_t>(*count)};
  });
}

Channel::Handled Channel::delete_queue(const amqp::queue::Delete& method) {
  auto queue = queue_name(method.queue);
  if (!queue) return queue.error();
  if (!fits(context_.permissions.configure, *queue)) return not_permitted("delete", *queue);
  if (!context_.broker->queue(*queue)) {  // as RabbitMQ: deleting what is not there is no error
    if (!method.no_wait) replies_.answer(number_, amqp::queue::DeleteOk{});
    return Done{};
  }
  return ask(method.no_wait, [&](Broker::Durable durable) -> Answer<amqp::queue::DeleteOk> {
    auto count =
        context_.broker->delete_queue(context_.session, *queue, method.if_unused, method.if_empty, std::move(durable));
    if (!count) return count.error();
    return amqp::queue::DeleteOk{.message_count = static_cast<std::uint32_t>(*count)};
  });
}

}  // namespace millrace::broker
