#include "amqp/client/connection_protocol.hpp"

#include <algorithm>
#include <utility>

namespace millrace::amqp::client {

Error closed_by_broker(std::string_view what, ReplyCode code, std::string_view text) {
  Error::Kind kind = Error::Kind::unavailable;
  if (code == ReplyCode::access_refused) kind = Error::Kind::permission;
  if (code == ReplyCode::not_found) kind = Error::Kind::not_found;
  return {kind, "the broker closed the " + std::string(what) + ": " + std::to_string(static_cast<int>(code)) + " " +
                    std::string(text)};
}

ConnectionProtocol::ConnectionProtocol(BrokerUri uri, std::string connection_name, std::uint16_t channels,
                                       Events events)
    : handshake_(std::move(uri), std::move(connection_name), channels),
      events_(std::move(events)),
      output_(protocol_header) {}

Error ConnectionProtocol::end_of_stream() const {
  return handshake_.end_of_stream();
}

void ConnectionProtocol::fail(Error error) {
  if (stage_ == Stage::ended) return;
  stop();
  events_.failed(std::move(error));
}

void ConnectionProtocol::stop() {
  stage_ = Stage::ended;
  output_.clear();
}

void ConnectionProtocol::input(std::string_view bytes) {
  reader_.feed(bytes);
  while (stage_ != Stage::ended) {
    auto next = reader_.next();
    if (!next) {
      fail(Error{Error::Kind::invalid, "the broker sent " + next.error().text});
      break;
    }
    if (!*next) break;
    take(**next);
  }
  reader_.keep();
}

void ConnectionProtocol::take(const Frame& frame) {
  switch (frame.type) {
    case FrameType::method:
      return method(frame.channel, frame.payload);
    case FrameType::header:
    case FrameType::body:
      return take_content(frame);
    case FrameType::heartbeat:
      return;
  }
}

void ConnectionProtocol::method(std::uint16_t channel, std::string_view payload) {
  Reader in(payload);
  const MethodId id{in.number<std::uint32_t>()};
  if (channel == 0) {
    on_connection(id, in);
  } else if (id == MethodId::basic_deliver || id == MethodId::basic_return) {
    begin_content(channel, id, in);
  } else if (id == MethodId::channel_close) {
    const auto close = channel::Close::read(in);
    const std::string text(close.reply_text);
    incoming_.erase(channel);
    send(channel, channel::CloseOk{});
    events_.channel_closed(channel, ReplyCode{close.reply_code}, text);
  } else {
    events_.method(channel, id, in);
  }
  if (!in.ok()) fail(Error{Error::Kind::invalid, "the broker sent a malformed " + std::string(name(id))});
}

void ConnectionProtocol::on_connection(MethodId id, Reader& in) {
  switch (id) {
    case MethodId::connection_close: {
      const auto close = connection::Close::read(in);
      const auto why = closed_by_broker("connection", ReplyCode{close.reply_code}, close.reply_text);
      stop();
      send(0, connection::CloseOk{});
      return events_.failed(why);
    }
    case MethodId::connection_close_ok:
      stage_ = Stage::ended;
      return events_.closed();
    case MethodId::connection_blocked:
      return events_.blocked(std::string(connection::Blocked::read(in).reason));
    case MethodId::connection_unblocked:
      return events_.blocked(std::nullopt);
    default:
      handshake(id, in);
  }
}

void ConnectionProtocol::handshake(MethodId id, Reader& in) {
  if (!handshake_.answer(id, in, output_)) {
    return fail(Error{Error::Kind::invalid, "the broker sent an unexpected method " + std::string(name(id))});
  }
  reader_.set_frame_size_max(handshake_.frame_size_max());
  if (!handshake_.is_over()) return;
  stage_ = Stage::open;
  events_.opened();
}

void ConnectionProtocol::begin_content(std::uint16_t channel, MethodId id, Reader& in) {
  Content content;
  content.id = id;
  if (id == MethodId::basic_deliver) {
    const auto deliver = basic::Deliver::read(in);
    content.consumer_tag = deliver.consumer_tag;
    content.message.tag = deliver.delivery_tag;
    content.message.redelivered = deliver.redelivered;
    content.message.exchange = deliver.exchange;
    content.message.routing_key = deliver.routing_key;
  } else {
    const auto back = basic::Return::read(in);
    content.return_reason = std::to_string(back.reply_code) + " " + std::string(back.reply_text);
    content.message.exchange = back.exchange;
    content.message.routing_key = back.routing_key;
  }
  incoming_[channel] = Incoming{std::move(content)};
}

void ConnectionProtocol::take_content(const Frame& frame) {
  const auto found = incoming_.find(frame.channel);
  if (found == incoming_.end() || !found->second.content) {
    return fail(Error{Error::Kind::invalid, "the broker sent a content that belongs to nothing"});
  }
  auto& [content, missing] = found->second;
  if (!missing) {
    auto header = frame.type == FrameType::header
                      ? read_content_header(frame.payload)
                      : ProtocolError{ReplyCode::unexpected_frame, "a body frame before its header"};
    if (!header) return fail(Error{Error::Kind::invalid, "the broker sent " + header.error().text});
    content->message.properties = header->properties;
    missing = header->body_size;
    content->message.body.reserve(std::min<std::uint64_t>(header->body_size, 16u << 20));
  } else {
    if (frame.type != FrameType::body || frame.payload.size() > *missing) {
      return fail(Error{Error::Kind::invalid, "the broker sent a body other than its header says"});
    }
    content->message.body += frame.payload;
    *missing -= frame.payload.size();
  }
  if (*missing > 0) return;
  auto whole = std::move(*content);
  content.reset();
  events_.content(frame.channel, std::move(whole));
}

void ConnectionProtocol::publish(std::uint16_t channel, const basic::Publish& method, std::string_view properties,
                                 std::string_view body) {
  send(channel, method);
  write_content(output_, channel, properties, body, handshake_.frame_size_max());
}

void ConnectionProtocol::close() {
  stage_ = Stage::closing;
  send(0, connection::Close{.reply_code = static_cast<std::uint16_t>(ReplyCode::success), .reply_text = "done"});
}

}  // namespace millrace::amqp::client
