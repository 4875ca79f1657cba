#include "amqp/properties.hpp"
#include "broker/session/channel_ask.hpp"
#include "broker/session/sent_properties.hpp"
#include "core/id.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

bool Consumer::ready() const {
  return announced && !cancelled_by_client && channel_.may_deliver(*this);
}

void Consumer::deliver(Delivery delivery) {
  channel_.deliver(*this, std::move(delivery));
}

void Consumer::cancelled(ConsumerId) {
  channel_.cancelled(*this);
}

/// RabbitMQ's quorum queues count from the first delivery.
bool Channel::counts_deliveries(const std::string& queue) const {
  const auto* spec = context_.broker->queue_spec(queue);
  return spec != nullptr && spec->arguments.text("x-queue-type") == "quorum";
}

Channel::Handled Channel::consume(const amqp::basic::Consume& method) {
  const bool for_replies = method.queue == reply_queue_prefix;
  auto queue = for_replies ? queue_of_replies(method) : queue_name(method.queue);
  if (!queue) return queue.error();
  if (!for_replies && !fits(context_.permissions.read, *queue)) return not_permitted("consume", *queue);
  std::string tag(method.consumer_tag);
  if (tag.empty()) {
    tag = "amq.ctag-" + std::to_string(context_.session.value) + "-" + std::to_string(number_) + "-" +
          std::to_string(++consumers_made_);
  }
  if (consumers_.contains(tag)) {
    return Refusal{ReplyCode::not_allowed, "attempt to reuse consumer tag '" + tag + "'"};
  }
  const ConsumerSpec spec{method.no_ack, method.exclusive, method.arguments};
  auto consumer = std::make_shared<Consumer>(*this, *queue, tag, spec, consumer_prefetch_);
  consumer->tells_count = counts_deliveries(*queue);
  auto done = context_.broker->consume(context_.session, *queue, spec, *consumer, consumer->id);
  if (!done) return done.error();
  consumers_.emplace(tag, consumer);
  if (for_replies) {
    reply_queue_ = *queue;
    reply_tag_ = tag;
  }
  auto announce = [consumer, &context = context_] {
    consumer->announced = true;
    context.may_take_more(consumer);
    context.output_waiting();
  };
  if (method.no_wait) {
    announce();
  } else {
    replies_.answer(number_, amqp::basic::ConsumeOk{.consumer_tag = tag}, std::move(announce));
  }
  return Done{};
}

/// The queue behind the door of direct replies: this channel's alone, gone with its consumer.
Answer<std::string> Channel::queue_of_replies(const amqp::basic::Consume& method) {
  if (!method.no_ack) return Refusal{ReplyCode::precondition_failed, "reply consumer cannot acknowledge"};
  if (!reply_queue_.empty()) return Refusal{ReplyCode::precondition_failed, "reply consumer already set"};
  QueueSpec spec;
  spec.name = std::string(reply_queue_prefix) + "." + random_token(16);
  spec.durable = false;
  spec.exclusive = true;
  spec.auto_delete = true;
  auto declared = context_.broker->declare_queue(context_.session, spec, {});
  if (!declared) return declared.error();
  return spec.name;
}

Channel::Handled Channel::cancel(const amqp::basic::Cancel& method) {
  auto found = consumers_.find(method.consumer_tag);
  if (found != consumers_.end()) {
    if (found->first == reply_tag_) reply_queue_ = reply_tag_ = {};
    found->second->cancelled_by_client = true;
    context_.broker->cancel(found->second->id);
    consumers_.erase(found);
  }
  if (!method.no_wait) replies_.answer(number_, amqp::basic::CancelOk{.consumer_tag = method.consumer_tag});
  return Done{};
}

void Channel::cancelled(Consumer& consumer) {
  auto found = consumers_.find(consumer.tag);
  if (found == consumers_.end() || found->second.get() != &consumer) return;
  consumer.cancelled_by_client = true;
  if (context_.tells_cancel && stage_ == Stage::open) {
    amqp::write_method(context_.output, number_, amqp::basic::Cancel{.consumer_tag = consumer.tag, .no_wait = true});
    context_.output_waiting();
  }
  consumers_.erase(found);
}

bool Channel::may_deliver(const Consumer& consumer) const {
  return stage_ == Stage::open && !flow_stopped_ && context_.has_room() &&
         (consumer.no_ack || ((consumer.prefetch == 0 || consumer.unsettled < consumer.prefetch) &&
                              (channel_prefetch_ == 0 || channel_unsettled_ < channel_prefetch_)));
}

void Channel::write_properties_and_body(std::string& out, const Delivery& delivery, bool tells_count) {
  const Message& message = *delivery.message;
  std::string changed;
  const std::string* properties = &without_hidden_keys(message.properties, changed);
  if (tells_count || delivery.lost_count > 0) {
    changed = amqp::with_header(*properties, "x-delivery-count", delivery.lost_count);
    properties = &changed;
  }
  if (delivery.probing) {
    changed = amqp::with_header(*properties, "x-millrace-probe", 1);
    properties = &changed;
  }
  if (delivery.place != 0) {
    changed = amqp::with_header(*properties, "x-millrace-place", static_cast<std::int64_t>(delivery.place));
    properties = &changed;
  }
  amqp::write_content(out, number_, *properties, message.body, context_.frame_size_max);
}

void Channel::count(const Delivery& delivery, bool no_ack) {
  ++context_.traffic.delivered;
  if (delivery.redelivered) ++context_.traffic.redelivered;
  if (no_ack) ++context_.traffic.acknowledged;
}

void Channel::deliver(Consumer& consumer, Delivery delivery) {
  count(delivery, consumer.no_ack);
  std::uint64_t tag = 0;
  if (consumer.no_ack) {
    tag = ledger_.skip();
  } else {
    tag = ledger_.add(delivery.id, consumer.shared_from_this());
    ++consumer.unsettled;
    ++channel_unsettled_;
  }
  amqp::write_method(context_.output, number_,
                     amqp::basic::Deliver{.consumer_tag = consumer.tag,
                                          .delivery_tag = tag,
                                          .redelivered = delivery.redelivered,
                                          .exchange = delivery.message->exchange,
                                          .routing_key = delivery.message->routing_key});
  write_properties_and_body(context_.output, delivery, consumer.tells_count);
  context_.output_waiting();
}

Channel::Handled Channel::get(const amqp::basic::Get& method) {
  auto queue = queue_name(method.queue);
  if (!queue) return queue.error();
  if (!fits(context_.permissions.read, *queue)) return not_permitted("get from", *queue);
  auto taken = context_.broker->get(context_.session, *queue, method.no_ack);
  if (!taken) return taken.error();
  if (!*taken) {
    replies_.answer(number_, amqp::basic::GetEmpty{});
    return Done{};
  }
  const Delivery& delivery = **taken;
  count(delivery, method.no_ack);
  const std::uint64_t tag = method.no_ack ? ledger_.skip() : ledger_.add(delivery.id, nullptr);
  auto status = context_.broker->queue(*queue);
  std::string& out = replies_.place();
  amqp::write_method(out, number_,
                     amqp::basic::GetOk{.delivery_tag = tag,
                                        .redelivered = delivery.redelivered,
                                        .exchange = delivery.message->exchange,
                                        .routing_key = delivery.message->routing_key,
                                        .message_count = status ? static_cast<std::uint32_t>(status->ready) : 0});
  write_properties_and_body(out, delivery, counts_deliveries(*queue));
  return Done{};
}

Channel::Handled Channel::set_prefetch(const amqp::basic::Qos& method) {
  if (method.prefetch_size != 0) {
    return Refusal{ReplyCode::not_implemented, "prefetch_size!=0 (" + std::to_string(method.prefetch_size) + ")"};
  }
  if (method.global) {
    channel_prefetch_ = method.prefetch_count;
    resume_consumers();
  } else {
    consumer_prefetch_ = method.prefetch_count;
  }
  replies_.answer(number_, amqp::basic::QosOk{});
  return Done{};
}

Channel::Handled Channel::settle(std::uint64_t tag, bool multiple, Settle how) {
  if (multiple) {
    auto entries = ledger_.take_through(tag);
    if (!entries) return Refusal{ReplyCode::precondition_failed, "unknown delivery tag " + std::to_string(tag)};
    for (Unsettled& entry : *entries) settle_one(std::move(entry), how);
    return Done{};
  }
  auto entry = ledger_.take(tag);
  if (!entry) return Refusal{ReplyCode::precondition_failed, "unknown delivery tag " + std::to_string(tag)};
  settle_one(std::move(*entry), how);
  return Done{};
}

void Channel::settle_one(Unsettled entry, Settle how) {
  if (mode_ == Mode::transaction) {
    transaction_.batch.settlements.push_back({entry.delivery, how});
    transaction_.taken.push_back(std::move(entry));
    return;
  }
  context_.settle({entry.delivery, how});
  release(entry);
}

void Channel::release(const Unsettled& entry) {
  if (!entry.consumer) return;
  --entry.consumer->unsettled;
  --channel_unsettled_;
  if (channel_prefetch_ != 0 && channel_unsettled_ + 1 == channel_prefetch_) {
    resume_consumers();
  } else if (entry.consumer->unsettled + 1u == entry.consumer->prefetch) {
    context_.may_take_more(entry.consumer);
  }
}

void Channel::resume_consumers() {
  for (const auto& [tag, consumer] : consumers_) context_.may_take_more(consumer);
}

Channel::Handled Channel::recover(bool requeue, bool answer) {
  if (!requeue) return Refusal{ReplyCode::not_implemented, "requeue=false"};
  if (auto entries = ledger_.take_through(0)) {
    for (Unsettled& entry : *entries) {
      context_.settle({entry.delivery, Settle::requeue});
      release(entry);
    }
  }
  context_.flush();
  if (answer) replies_.answer(number_, amqp::basic::RecoverOk{});
  return Done{};
}

Channel::Handled Channel::flow(bool active) {
  flow_stopped_ = !active;
  if (active) resume_consumers();
  replies_.answer(number_, amqp::channel::FlowOk{.active = active});
  return Done{};
}

}  // namespace millrace::broker
