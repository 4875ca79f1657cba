#include "amqp/client/link_protocol.hpp"

#include <algorithm>

#include "core/log.hpp"

namespace millrace::amqp::client {

namespace {

constexpr std::uint16_t the_channel = 1;

}  // namespace

LinkProtocol::LinkProtocol(BrokerUri uri, StepLink::Settings settings, Events events)
    : settings_(std::move(settings)),
      events_(std::move(events)),
      connection_(std::move(uri), settings_.connection_name, the_channel, events_of_connection()) {}

ConnectionProtocol::Events LinkProtocol::events_of_connection() {
  ConnectionProtocol::Events events;
  events.opened = [this] { open_channel(); };
  events.method = [this](std::uint16_t, MethodId id, Reader& in) { method(id, in); };
  events.content = [this](std::uint16_t, Content content) { take(std::move(content)); };
  events.channel_closed = [this](std::uint16_t, ReplyCode code, const std::string& text) {
    fail(closed_by_broker("channel", code, text));
  };
  events.blocked = [this](const std::optional<std::string>& reason) { blocked(reason); };
  events.failed = [this](Error error) { events_.failed(std::move(error)); };
  events.closed = [this] { events_.closed(); };
  return events;
}

void LinkProtocol::fail(Error error) {
  connection_.stop();
  events_.failed(std::move(error));
}

void LinkProtocol::method(MethodId id, Reader& in) {
  switch (id) {
    case MethodId::basic_ack: {
      const auto ack = basic::Ack::read(in);
      if (events_.answered) events_.answered(ack.delivery_tag, ack.multiple, true);
      break;
    }
    case MethodId::basic_nack: {
      const auto nack = basic::Nack::read(in);
      if (events_.answered) events_.answered(nack.delivery_tag, nack.multiple, false);
      break;
    }
    case MethodId::tx_commit_ok:
      events_.committed();
      break;
    case MethodId::basic_cancel:
      return fail(
          Error{Error::Kind::not_found, "the broker ended the consumer: queue '" + settings_.queue + "' was deleted"});
    case MethodId::channel_open_ok:
    case MethodId::basic_qos_ok:
      break;
    case MethodId::tx_select_ok:
    case MethodId::confirm_select_ok:
      open();
      break;
    case MethodId::basic_cancel_ok:
      if (events_.cancelled) events_.cancelled();
      break;
    case MethodId::basic_consume_ok:
      events_.ready();
      break;
    default:
      fail(Error{Error::Kind::invalid, "the broker sent an unexpected method " + std::string(name(id))});
  }
}

void LinkProtocol::blocked(const std::optional<std::string>& reason) {
  if (reason) {
    log::warning("the broker holds back publishing", {{"reason", *reason}});
  } else {
    log::info("the broker takes messages again");
  }
  if (events_.blocked) events_.blocked(reason.has_value());
}

void LinkProtocol::take(Content content) {
  auto& message = content.message;
  if (content.id == MethodId::basic_deliver) return events_.delivered(std::move(message));
  if (!events_.returned) return;
  events_.returned({std::move(message.exchange), std::move(message.routing_key), std::move(message.properties),
                    std::move(message.body)},
                   content.return_reason);
}

void LinkProtocol::open_channel() {
  connection_.send(the_channel, channel::Open{});
  if (settings_.confirms) {
    connection_.send(the_channel, confirm::Select{});
  } else {
    connection_.send(the_channel, tx::Select{});
  }
}

void LinkProtocol::open() {
  stage_ = Stage::open;
  if (!settings_.confirms && !settings_.queue.empty()) consume(settings_.prefetch);
  for (Commit& commit : std::exchange(held_, {})) this->commit(std::move(commit));
  if (events_.opened) events_.opened();
  if (settings_.queue.empty()) events_.ready();
}

void LinkProtocol::consume(std::uint16_t prefetch) {
  // A new tag each time: RabbitMQ 3.10 fails (541) when one comes again while messages of its last life are out.
  consumer_tag_ = "step-" + std::to_string(++consumers_);
  connection_.send(the_channel, basic::Qos{.prefetch_count = prefetch});
  connection_.send(the_channel, basic::Consume{.queue = settings_.queue, .consumer_tag = consumer_tag_});
}

void LinkProtocol::commit(Commit commit) {
  if (stage_ != Stage::open) {
    held_.push_back(std::move(commit));
    return;
  }
  for (const Outgoing& message : commit.publishes) write_publish(message, false);
  settle(commit);
  connection_.send(the_channel, tx::Commit{});
}

void LinkProtocol::write_publish(const Outgoing& message, bool mandatory) {
  connection_.publish(
      the_channel,
      basic::Publish{.exchange = message.exchange, .routing_key = message.routing_key, .mandatory = mandatory},
      message.properties, message.body);
}

void LinkProtocol::publish(const Outgoing& message) {
  write_publish(message, true);
}

void LinkProtocol::settle(const Commit& commit) {
  for (std::uint64_t tag : commit.acks) connection_.send(the_channel, basic::Ack{.delivery_tag = tag});
  // The newest first: each returns to the front of those before it.
  for (auto tag = commit.returns.rbegin(); tag != commit.returns.rend(); ++tag) {
    connection_.send(the_channel, basic::Nack{.delivery_tag = *tag, .requeue = true});
  }
}

void LinkProtocol::stop_consuming() {
  if (stage_ != Stage::open || settings_.queue.empty()) {
    settings_.queue.clear();
    return;
  }
  connection_.send(the_channel, basic::Cancel{.consumer_tag = consumer_tag_});
}

void LinkProtocol::close() {
  stage_ = Stage::closing;
  connection_.close();
}

}  // namespace millrace::amqp::client
