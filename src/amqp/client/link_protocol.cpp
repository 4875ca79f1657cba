#include "amqp/client/link_protocol.hpp"

#include <algorithm>

#include "core/log.hpp"

namespace millrace::amqp::client {

namespace {

constexpr std::uint16_t the_channel = 1;

}  // namespace

LinkProtocol::LinkProtocol(BrokerUri uri, StepLink::Settings settings, Events events)
    : handshake_(std::move(uri), settings.connection_name, the_channel),
      settings_(std::move(settings)),
      events_(std::move(events)),
      output_(protocol_header) {}

Error LinkProtocol::end_of_stream() const {
  return handshake_.end_of_stream();
}

void LinkProtocol::fail(Error error) {
  if (stage_ == Stage::ended) return;
  stage_ = Stage::ended;
  output_.clear();
  events_.failed(std::move(error));
}

void LinkProtocol::input(std::string_view bytes) {
  reader_.feed(bytes);
  while (stage_ != Stage::ended) {
    auto next = reader_.next();
    if (!next) {
      fail(Error{Error::Kind::invalid, "the broker sent " + next.error().text});
      break;
    }
    if (!*next) break;
    frame(**next);
  }
  reader_.keep();
}

void LinkProtocol::frame(const Frame& frame) {
  switch (frame.type) {
    case FrameType::method:
      method(frame.payload);
      break;
    case FrameType::header:
    case FrameType::body:
      content(frame);
      break;
    case FrameType::heartbeat:
      break;
  }
}

void LinkProtocol::method(std::string_view payload) {
  Reader in(payload);
  const MethodId id{in.number<std::uint32_t>()};
  switch (id) {
    case MethodId::basic_deliver: {
      const auto deliver = basic::Deliver::read(in);
      incoming_.emplace();
      incoming_->tag = deliver.delivery_tag;
      incoming_->redelivered = deliver.redelivered;
      incoming_->exchange = deliver.exchange;
      incoming_->routing_key = deliver.routing_key;
      body_missing_.reset();
      break;
    }
    case MethodId::basic_return: {
      const auto back = basic::Return::read(in);
      incoming_.emplace();
      incoming_->exchange = back.exchange;
      incoming_->routing_key = back.routing_key;
      return_reason_ = std::to_string(back.reply_code) + " " + std::string(back.reply_text);
      body_missing_.reset();
      break;
    }
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
    case MethodId::channel_close: {
      const auto close = channel::Close::read(in);
      return closed_by_broker("channel", close.reply_code, close.reply_text);
    }
    case MethodId::connection_close: {
      const auto close = connection::Close::read(in);
      return closed_by_broker("connection", close.reply_code, close.reply_text);
    }
    case MethodId::connection_close_ok:
      stage_ = Stage::ended;
      return events_.closed();
    case MethodId::connection_blocked:
      log::warning("the broker holds back publishing", {{"reason", std::string(connection::Blocked::read(in).reason)}});
      if (events_.blocked) events_.blocked(true);
      break;
    case MethodId::connection_unblocked:
      log::info("the broker takes messages again");
      if (events_.blocked) events_.blocked(false);
      break;
    case MethodId::basic_qos_ok:
      break;
    case MethodId::basic_cancel_ok:
      if (events_.cancelled) events_.cancelled();
      break;
    case MethodId::basic_consume_ok:
      events_.ready();
      break;
    default:
      handshake(id, in);
  }
  if (!in.ok()) fail(Error{Error::Kind::invalid, "the broker sent a malformed " + std::string(name(id))});
}

void LinkProtocol::handshake(MethodId id, Reader& in) {
  if (handshake_.answer(id, in, output_)) {
    reader_.set_frame_size_max(handshake_.frame_size_max());
    if (handshake_.is_over()) open_channel();
    return;
  }
  switch (id) {
    case MethodId::channel_open_ok:
      break;
    case MethodId::tx_select_ok:
    case MethodId::confirm_select_ok:
      open();
      break;
    default:
      fail(Error{Error::Kind::invalid, "the broker sent an unexpected method " + std::string(name(id))});
  }
}

void LinkProtocol::open_channel() {
  write_method(output_, the_channel, channel::Open{});
  if (settings_.confirms) {
    write_method(output_, the_channel, confirm::Select{});
  } else {
    write_method(output_, the_channel, tx::Select{});
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
  write_method(output_, the_channel, basic::Qos{.prefetch_count = prefetch});
  write_method(output_, the_channel, basic::Consume{.queue = settings_.queue, .consumer_tag = consumer_tag_});
}

void LinkProtocol::content(const Frame& frame) {
  if (!incoming_) return fail(Error{Error::Kind::invalid, "the broker sent a content that belongs to nothing"});
  if (!body_missing_) {
    auto header = frame.type == FrameType::header
                      ? read_content_header(frame.payload)
                      : ProtocolError{ReplyCode::unexpected_frame, "a body frame before its header"};
    if (!header) return fail(Error{Error::Kind::invalid, "the broker sent " + header.error().text});
    incoming_->properties = header->properties;
    body_missing_ = header->body_size;
    incoming_->body.reserve(std::min<std::uint64_t>(header->body_size, 16u << 20));
  } else {
    if (frame.type != FrameType::body || frame.payload.size() > *body_missing_) {
      return fail(Error{Error::Kind::invalid, "the broker sent a body other than its header says"});
    }
    incoming_->body += frame.payload;
    *body_missing_ -= frame.payload.size();
  }
  if (*body_missing_ == 0) deliver();
}

void LinkProtocol::deliver() {
  Delivery delivery = std::move(*incoming_);
  incoming_.reset();
  body_missing_.reset();
  if (!return_reason_) return events_.delivered(std::move(delivery));
  const auto why = *std::exchange(return_reason_, std::nullopt);
  if (!events_.returned) return;
  events_.returned({std::move(delivery.exchange), std::move(delivery.routing_key), std::move(delivery.properties),
                    std::move(delivery.body)},
                   why);
}

void LinkProtocol::closed_by_broker(std::string_view what, std::uint16_t code, std::string_view text) {
  Error::Kind kind = Error::Kind::unavailable;
  if (ReplyCode{code} == ReplyCode::access_refused) kind = Error::Kind::permission;
  if (ReplyCode{code} == ReplyCode::not_found) kind = Error::Kind::not_found;
  stage_ = Stage::ended;
  output_.clear();
  if (what == "connection") write_method(output_, 0, connection::CloseOk{});
  events_.failed(Error{
      kind, "the broker closed the " + std::string(what) + ": " + std::to_string(code) + " " + std::string(text)});
}

void LinkProtocol::commit(Commit commit) {
  if (stage_ != Stage::open) {
    held_.push_back(std::move(commit));
    return;
  }
  for (const Outgoing& message : commit.publishes) write_publish(message, false);
  settle(commit);
  write_method(output_, the_channel, tx::Commit{});
}

void LinkProtocol::write_publish(const Outgoing& message, bool mandatory) {
  write_method(
      output_, the_channel,
      basic::Publish{.exchange = message.exchange, .routing_key = message.routing_key, .mandatory = mandatory});
  write_content(output_, the_channel, message.properties, message.body, handshake_.frame_size_max());
}

void LinkProtocol::publish(const Outgoing& message) {
  write_publish(message, true);
}

void LinkProtocol::settle(const Commit& commit) {
  for (std::uint64_t tag : commit.acks) write_method(output_, the_channel, basic::Ack{.delivery_tag = tag});
  // The newest first: each returns to the front of those before it.
  for (auto tag = commit.returns.rbegin(); tag != commit.returns.rend(); ++tag) {
    write_method(output_, the_channel, basic::Nack{.delivery_tag = *tag, .requeue = true});
  }
}

void LinkProtocol::stop_consuming() {
  if (stage_ != Stage::open || settings_.queue.empty()) {
    settings_.queue.clear();
    return;
  }
  write_method(output_, the_channel, basic::Cancel{.consumer_tag = consumer_tag_});
}

void LinkProtocol::close() {
  stage_ = Stage::closing;
  write_method(output_, 0,
               connection::Close{.reply_code = static_cast<std::uint16_t>(ReplyCode::success), .reply_text = "done"});
}

}  // namespace millrace::amqp::client
