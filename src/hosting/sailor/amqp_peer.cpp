#include "hosting/sailor/amqp_peer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/check.hpp"

namespace millrace::hosting::sailor {

using amqp::MethodId;
using amqp::ReplyCode;
using amqp::write_method;

namespace {

constexpr std::uint64_t body_size_max = 128u << 20;
constexpr std::uint16_t channel_max = 64;

amqp::FieldTable server_properties() {
  amqp::FieldTable capabilities;
  for (std::string_view name : {"publisher_confirms", "basic.nack", "consumer_cancel_notify"}) {
    capabilities.set(name, true);
  }
  amqp::FieldTable properties;
  properties.set("product", "Millrace");
  properties.set("capabilities", std::move(capabilities));
  return properties;
}

}  // namespace

void AmqpPeer::input(std::string_view bytes) {
  if (over_) return;
  reader_.feed(bytes);
  if (!greeted_) greet();
  while (greeted_ && !over_) {
    auto next = reader_.next();
    if (!next) {
      fail(next.error().code, next.error().text);
      break;
    }
    if (!*next) break;
    frame(**next);
  }
  reader_.keep();
  write_confirms();
}

void AmqpPeer::greet() {
  const auto header = reader_.take(amqp::protocol_header.size());
  if (!header) return;
  if (*header != amqp::protocol_header) {
    output_ += amqp::protocol_header;
    over_ = true;
    fault_ = "it does not speak AMQP 0-9-1";
    return;
  }
  greeted_ = true;
  write_method(output_, 0,
               amqp::connection::Start{.version_major = 0,
                                       .version_minor = 9,
                                       .server_properties = server_properties(),
                                       .mechanisms = "PLAIN",
                                       .locales = "en_US"});
}

void AmqpPeer::frame(const amqp::Frame& frame) {
  if (frame.type == amqp::FrameType::heartbeat) return;
  if (frame.type != amqp::FrameType::method) return content(frame.channel, frame);
  amqp::Reader in(frame.payload);
  const MethodId id{in.number<std::uint32_t>()};
  if (frame.channel == 0) {
    connection_method(id, in);
  } else if (!logged_in_) {
    fail(ReplyCode::command_invalid, "a channel before the login");
  } else {
    channel_method(frame.channel, id, in);
  }
  if (!in.ok()) fail(ReplyCode::syntax_error, "malformed arguments of " + std::string(amqp::name(id)));
}

bool AmqpPeer::logs_in(const amqp::connection::StartOk& method) const {
  return method.mechanism == "PLAIN" && method.response == std::string(1, '\0') + login_.user + '\0' + login_.password;
}

void AmqpPeer::connection_method(MethodId id, amqp::Reader& in) {
  switch (id) {
    case MethodId::connection_start_ok: {
      if (!logs_in(amqp::connection::StartOk::read(in))) return fail(ReplyCode::access_refused, "login was refused");
      logged_in_ = true;
      write_method(
          output_, 0,
          amqp::connection::Tune{.channel_max = channel_max, .frame_max = amqp::frame_size_usual, .heartbeat = 0});
      break;
    }
    case MethodId::connection_tune_ok: {
      const auto tune = amqp::connection::TuneOk::read(in);
      if (tune.frame_max != 0) {
        frame_size_max_ = std::clamp(tune.frame_max, amqp::frame_size_min, amqp::frame_size_usual);
      }
      reader_.set_frame_size_max(amqp::frame_size_usual);
      break;
    }
    case MethodId::connection_open:
      amqp::connection::Open::read(in);
      write_method(output_, 0, amqp::connection::OpenOk{});
      break;
    case MethodId::connection_close:
      write_method(output_, 0, amqp::connection::CloseOk{});
      over_ = true;
      break;
    case MethodId::connection_close_ok:
      over_ = true;
      break;
    default:
      fail(ReplyCode::command_invalid, std::string(amqp::name(id)) + " is not for a connection");
  }
}

void AmqpPeer::channel_method(std::uint16_t number, MethodId id, amqp::Reader& in) {
  if (id == MethodId::channel_open) {
    channels_[number] = {};
    return write_method(output_, number, amqp::channel::OpenOk{});
  }
  if (id == MethodId::channel_close_ok) return;
  const auto found = channels_.find(number);
  if (found == channels_.end()) return fail(ReplyCode::channel_error, "a method on a channel that is not open");
  if (id == MethodId::channel_close) {
    if (consumer_ && consumer_->channel == number) consumer_.reset();
    channels_.erase(found);
    return write_method(output_, number, amqp::channel::CloseOk{});
  }
  if (id == MethodId::confirm_select) {
    found->second.confirms = true;
    if (!amqp::confirm::Select::read(in).no_wait) write_method(output_, number, amqp::confirm::SelectOk{});
    return;
  }
  basic_method(number, id, in);
}

void AmqpPeer::basic_method(std::uint16_t number, MethodId id, amqp::Reader& in) {
  switch (id) {
    case MethodId::basic_qos:
      prefetch_ = amqp::basic::Qos::read(in).prefetch_count;
      return write_method(output_, number, amqp::basic::QosOk{});
    case MethodId::basic_consume: {
      const auto consume = amqp::basic::Consume::read(in);
      consumer_ = Consumer{number, consume.consumer_tag.empty() ? "millrace" : std::string(consume.consumer_tag)};
      if (!consume.no_wait) {
        write_method(output_, number, amqp::basic::ConsumeOk{.consumer_tag = consumer_->tag});
      }
      return events_.consuming();
    }
    case MethodId::basic_cancel: {
      const auto cancel = amqp::basic::Cancel::read(in);
      consumer_.reset();
      if (!cancel.no_wait) write_method(output_, number, amqp::basic::CancelOk{.consumer_tag = cancel.consumer_tag});
      return;
    }
    case MethodId::basic_publish: {
      Incoming incoming;
      incoming.message.routing_key = amqp::basic::Publish::read(in).routing_key;
      channels_[number].incoming = std::move(incoming);
      return;
    }
    case MethodId::basic_ack: {
      const auto ack = amqp::basic::Ack::read(in);
      return settle(ack.delivery_tag, ack.multiple, true);
    }
    case MethodId::basic_reject:
      return settle(amqp::basic::Reject::read(in).delivery_tag, false, false);
    case MethodId::basic_nack: {
      const auto nack = amqp::basic::Nack::read(in);
      return settle(nack.delivery_tag, nack.multiple, false);
    }
    default:
      fail(ReplyCode::not_implemented, std::string(amqp::name(id)) + " is not part of the component contract");
  }
}

void AmqpPeer::content(std::uint16_t number, const amqp::Frame& frame) {
  const auto found = channels_.find(number);
  if (found == channels_.end() || !found->second.incoming) {
    return fail(ReplyCode::unexpected_frame, "a content frame that no basic.publish stands before");
  }
  auto& channel = found->second;
  auto& incoming = *channel.incoming;
  if (frame.type == amqp::FrameType::header) {
    const auto header = amqp::read_content_header(frame.payload);
    if (!header) return fail(header.error().code, header.error().text);
    auto properties = amqp::decode_properties(header->properties);
    if (!properties) return fail(ReplyCode::syntax_error, properties.error().message);
    if (header->body_size > body_size_max) return fail(ReplyCode::content_too_large, "a body of more than 128 MiB");
    incoming.message.properties = std::move(*properties);
    incoming.size = header->body_size;
    incoming.has_header = true;
  } else if (!incoming.has_header || frame.payload.size() > incoming.size - incoming.message.body.size()) {
    return fail(ReplyCode::frame_error, "a body that its content header does not announce");
  } else {
    incoming.message.body += frame.payload;
  }
  if (incoming.message.body.size() == incoming.size) arrived(channel);
}

void AmqpPeer::arrived(Channel& channel) {
  auto message = std::move(channel.incoming->message);
  channel.incoming.reset();
  if (channel.confirms) ++channel.published;
  events_.published(std::move(message));
}

void AmqpPeer::write_confirms() {
  if (holds_confirms_ || over_) return;
  for (auto& [number, channel] : channels_) {
    if (channel.published == channel.confirmed) continue;
    const bool multiple = channel.published - channel.confirmed > 1;
    channel.confirmed = channel.published;
    write_method(output_, number, amqp::basic::Ack{.delivery_tag = channel.confirmed, .multiple = multiple});
  }
}

void AmqpPeer::hold_confirms(bool hold) {
  holds_confirms_ = hold;
  write_confirms();
}

std::uint64_t AmqpPeer::deliver(const amqp::Properties& properties, std::string_view body) {
  MILLRACE_CHECK(consumer_.has_value(), "a delivery needs a consumer");
  const auto tag = ++last_tag_;
  unsettled_.insert(tag);
  write_method(output_, consumer_->channel,
               amqp::basic::Deliver{.consumer_tag = consumer_->tag, .delivery_tag = tag, .redelivered = false});
  amqp::write_content(output_, consumer_->channel, amqp::encode_properties(properties), body, frame_size_max_);
  return tag;
}

void AmqpPeer::settle(std::uint64_t tag, bool multiple, bool acknowledged) {
  std::vector<std::uint64_t> settled;
  for (const auto one : unsettled_) {
    if (one == tag || (multiple && (tag == 0 || one < tag))) settled.push_back(one);
  }
  if (settled.empty()) return fail(ReplyCode::precondition_failed, "unknown delivery tag " + std::to_string(tag));
  for (const auto one : settled) {
    unsettled_.erase(one);
    events_.settled(one, acknowledged);
  }
}

void AmqpPeer::fail(ReplyCode code, std::string why) {
  if (over_) return;
  write_method(output_, 0, amqp::connection::Close{.reply_code = static_cast<std::uint16_t>(code), .reply_text = why});
  over_ = true;
  fault_ = std::move(why);
}

}  // namespace millrace::hosting::sailor
