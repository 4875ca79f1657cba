#include "amqp/client/connection_protocol.hpp"

#include <algorithm>
#include <utility>

namespace millrace::amqp::client {
namespace {

/// What RabbitMQ allows as well, if it is not told otherwise.
constexpr std::uint16_t channels_max = 2047;

}  // namespace

ConnectionProtocol::ConnectionProtocol(BrokerUri uri, std::string connection_name, Events events)
    : handshake_(std::move(uri), std::move(connection_name), channels_max),
      events_(std::move(events)),
      output_(protocol_header) {}

Error ConnectionProtocol::end_of_stream() const {
  return handshake_.end_of_stream();
}

void ConnectionProtocol::fail(Error error) {
  if (stage_ == Stage::ended) return;
  stage_ = Stage::ended;
  events_.failed(std::move(error));
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

bool ConnectionProtocol::brings_content(MethodId id) {
  return id == MethodId::basic_deliver || id == MethodId::basic_get_ok || id == MethodId::basic_return;
}

void ConnectionProtocol::method(std::uint16_t channel, std::string_view payload) {
  Reader in(payload);
  const MethodId id{in.number<std::uint32_t>()};
  if (channel == 0) {
    on_connection(id, in);
  } else if (brings_content(id)) {
    incoming_[channel] = Incoming{{id, std::string(in.rest()), {}, {}}};
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
      const auto kind =
          ReplyCode{close.reply_code} == ReplyCode::access_refused ? Error::Kind::permission : Error::Kind::unavailable;
      const auto text =
          "the broker closed the connection: " + std::to_string(close.reply_code) + " " + std::string(close.reply_text);
      send(0, connection::CloseOk{});
      return fail(Error{kind, text});
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

void ConnectionProtocol::take_content(const Frame& frame) {
  const auto found = incoming_.find(frame.channel);
  if (found == incoming_.end()) {
    return fail(Error{Error::Kind::invalid, "the broker sent a content that belongs to nothing"});
  }
  auto& [content, missing] = found->second;
  if (!missing) {
    auto header = frame.type == FrameType::header
                      ? read_content_header(frame.payload)
                      : ProtocolError{ReplyCode::unexpected_frame, "a body frame before its header"};
    if (!header) return fail(Error{Error::Kind::invalid, "the broker sent " + header.error().text});
    content.properties = header->properties;
    missing = header->body_size;
    content.body.reserve(std::min<std::uint64_t>(header->body_size, 16u << 20));
  } else {
    if (frame.type != FrameType::body || frame.payload.size() > *missing) {
      return fail(Error{Error::Kind::invalid, "the broker sent a body other than its header says"});
    }
    content.body += frame.payload;
    *missing -= frame.payload.size();
  }
  if (*missing > 0) return;
  auto whole = std::move(content);
  incoming_.erase(found);
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
