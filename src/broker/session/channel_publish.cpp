#include <algorithm>

#include "broker/session/channel_ask.hpp"
#include "broker/session/sent_properties.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

namespace {

constexpr std::uint16_t class_basic = 60;
constexpr std::size_t reserve_max = 1u << 20;  // bytes taken on a header's word, before the body comes

}  // namespace

Channel::Handled Channel::publish(const amqp::basic::Publish& method) {
  if (method.immediate) return Refusal{ReplyCode::not_implemented, "immediate=true"};
  if (!fits(context_.permissions.write, method.exchange)) return not_permitted("publish to", method.exchange);
  const ExchangeSpec* exchange = context_.broker->exchange(method.exchange);
  if (exchange == nullptr) {
    return Refusal{ReplyCode::not_found, "no exchange '" + std::string(method.exchange) + "' in vhost '/'"};
  }
  if (exchange->internal) {
    return Refusal{ReplyCode::access_refused,
                   "cannot publish to internal exchange '" + exchange->name + "' in vhost '/'"};
  }
  incoming_.emplace(Incoming{});  // clang 14 takes no emplace() of a nested aggregate
  incoming_->mandatory = method.mandatory;
  incoming_->message = std::make_shared<Message>();
  incoming_->message->exchange = method.exchange;
  incoming_->message->routing_key = method.routing_key;
  return Done{};
}

void Channel::content(const amqp::Frame& frame) {
  if (stage_ != Stage::open) return;
  Handled handled = Done{};
  if (!incoming_) {
    handled = Refusal{ReplyCode::unexpected_frame, "a content frame that no basic.publish stands before"};
  } else if (frame.type == amqp::FrameType::header) {
    handled = begin_content(frame);
  } else {
    handled = add_body(frame.payload);
  }
  if (!handled) refuse(handled.error(), amqp::MethodId::basic_publish);
}

Channel::Handled Channel::begin_content(const amqp::Frame& frame) {
  if (incoming_->has_header) return Refusal{ReplyCode::unexpected_frame, "a second content header"};
  auto header = amqp::read_content_header(frame.payload);
  if (!header) return Refusal{header.error().code, header.error().text};
  if (header->class_index != class_basic) {
    return Refusal{ReplyCode::unexpected_frame,
                   "a content header of class " + std::to_string(header->class_index) + " after basic.publish"};
  }
  incoming_->message->properties = header->properties;
  if (auto taken = take_properties(*incoming_->message, context_.user->name, reply_queue_); !taken) {
    return taken.error();
  }
  if (header->body_size > context_.settings.message_size_max) {
    return Refusal{ReplyCode::content_too_large, "a body of " + std::to_string(header->body_size) +
                                                     " bytes is larger than the limit of " +
                                                     std::to_string(context_.settings.message_size_max)};
  }
  incoming_->has_header = true;
  incoming_->body_size = header->body_size;
  if (header->body_size == 0) return finish_content();
  return Done{};
}

Channel::Handled Channel::add_body(std::string_view bytes) {
  if (!incoming_->has_header) return Refusal{ReplyCode::unexpected_frame, "a body frame before its content header"};
  std::string& body = incoming_->message->body;
  if (bytes.size() > incoming_->body_size - body.size()) {
    return Refusal{ReplyCode::frame_error, "a body larger than its content header says"};
  }
  if (body.empty()) body.reserve(std::min<std::uint64_t>(incoming_->body_size, reserve_max));
  body += bytes;
  context_.incoming_size += bytes.size();
  if (context_.incoming_size > 2 * context_.settings.message_size_max) {
    return Refusal{ReplyCode::resource_error, "bodies begun on several channels are together larger than twice " +
                                                  std::to_string(context_.settings.message_size_max) + " bytes"};
  }
  if (body.size() == incoming_->body_size) return finish_content();
  return Done{};
}

void Channel::drop_content() {
  if (incoming_ && incoming_->message) context_.incoming_size -= incoming_->message->body.size();
  incoming_.reset();
}

Channel::Handled Channel::finish_content() {
  const bool mandatory = incoming_->mandatory;
  MessagePtr message = std::move(incoming_->message);
  context_.incoming_size -= message->body.size();
  incoming_.reset();
  if (mode_ != Mode::transaction) {
    const std::uint64_t number = mode_ == Mode::confirm ? confirms_.begin() : 0;
    context_.publish(shared_from_this(), std::move(message), mandatory, number);
    return Done{};
  }
  transaction_.size += message->body.size() + sizeof(Message);
  if (transaction_.size > context_.settings.transaction_size_max) {
    return Refusal{ReplyCode::precondition_failed, "the transaction is larger than the limit of " +
                                                       std::to_string(context_.settings.transaction_size_max) +
                                                       " bytes"};
  }
  transaction_.batch.publishes.push_back(std::move(message));
  transaction_.mandatory.push_back(mandatory);
  return Done{};
}

void Channel::give_back(const Message& message) {
  if (stage_ != Stage::open) return;
  ++context_.traffic.returned;
  amqp::write_method(context_.output, number_,
                     amqp::basic::Return{.reply_code = static_cast<std::uint16_t>(ReplyCode::no_route),
                                         .reply_text = "NO_ROUTE",
                                         .exchange = message.exchange,
                                         .routing_key = message.routing_key});
  std::string changed;
  amqp::write_content(context_.output, number_, without_hidden_keys(message.properties, changed), message.body,
                      context_.frame_size_max);
  context_.output_waiting();
}

Channel::Handled Channel::select_confirms(const amqp::confirm::Select& method) {
  if (mode_ == Mode::transaction) {
    return Refusal{ReplyCode::precondition_failed, "cannot switch from tx to confirm mode"};
  }
  mode_ = Mode::confirm;
  if (!method.no_wait) replies_.answer(number_, amqp::confirm::SelectOk{});
  return Done{};
}

Channel::Handled Channel::select_transactions() {
  if (mode_ == Mode::confirm) {
    return Refusal{ReplyCode::precondition_failed, "cannot switch from confirm to tx mode"};
  }
  mode_ = Mode::transaction;
  replies_.answer(number_, amqp::tx::SelectOk{});
  return Done{};
}

Channel::Handled Channel::commit_transaction() {
  if (mode_ != Mode::transaction) return Refusal{ReplyCode::precondition_failed, "channel is not transactional"};
  const Replies::Ticket ticket = replies_.hold();
  auto answer = context_.commit(transaction_.batch, [weak = weak_from_this(), ticket](const Status& status) {
    auto self = weak.lock();
    if (!self || !status) return false;
    std::string frames;
    amqp::write_method(frames, self->number_, amqp::tx::CommitOk{});
    self->answered(ticket, frames, status);
    return true;
  });
  if (!answer && answer.error().code == ReplyCode::resource_error) {
    replies_.fulfil(ticket, {});
    context_.block(answer.error().text, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self || self->stage_ != Stage::open) return;
      auto handled = self->commit_transaction();
      if (!handled) self->refuse(handled.error(), amqp::MethodId::tx_commit);
    });
    return Done{};
  }
  if (!answer) {
    replies_.fulfil(ticket, {});
    return answer.error();
  }
  Transaction made = std::exchange(transaction_, {});
  for (std::size_t index : answer->unroutable) {
    if (made.mandatory[index]) give_back(*made.batch.publishes[index]);
  }
  for (const Unsettled& entry : made.taken) release(entry);
  context_.traffic.published += made.batch.publishes.size();
  for (const auto& settlement : made.batch.settlements) context_.count(settlement.how);
  return Done{};
}

Channel::Handled Channel::rollback_transaction() {
  if (mode_ != Mode::transaction) return Refusal{ReplyCode::precondition_failed, "channel is not transactional"};
  undo_transaction();
  replies_.answer(number_, amqp::tx::RollbackOk{});
  return Done{};
}

void Channel::undo_transaction() {
  ledger_.restore(std::exchange(transaction_, {}).taken);
}

}  // namespace millrace::broker
