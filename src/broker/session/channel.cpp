#include "broker/session/channel.hpp"

#include "broker/session/channel_ask.hpp"
#include "broker/session/reply_text.hpp"
#include "core/log.hpp"

namespace millrace::broker {

using amqp::MethodId;
using amqp::ReplyCode;

void Channel::open() {
  replies_.answer(number_, amqp::channel::OpenOk{});
}

template <class Method, class Handler>
Channel::Handled Channel::run(amqp::Reader& in, Handler handler) {
  const Method method = Method::read(in);
  if (!in.ok() || !in.at_end()) {
    return Refusal{ReplyCode::syntax_error, "malformed arguments of " + std::string(amqp::name(Method::id))};
  }
  return handler(method);
}

void Channel::method(MethodId id, amqp::Reader& in) {
  if (id == MethodId::channel_close_ok) {
    if (stage_ == Stage::closing) stage_ = Stage::ended;
    return;
  }
  if (id == MethodId::channel_close) {
    context_.flush();
    give_up();
    stage_ = Stage::ended;
    std::string close_ok;
    amqp::write_method(close_ok, number_, amqp::channel::CloseOk{});
    answer_last(std::move(close_ok));
    return;
  }
  if (stage_ != Stage::open) return;
  if (incoming_) {
    return refuse(
        {ReplyCode::unexpected_frame, "expected the content of a basic.publish, got " + std::string(amqp::name(id))},
        id);
  }
  auto handled = dispatch(id, in);
  if (!handled) refuse(handled.error(), id);
}

Channel::Handled Channel::dispatch(MethodId id, amqp::Reader& in) {
  switch (id) {  // what gathers
    case MethodId::basic_publish:
      return run<amqp::basic::Publish>(in, [&](const auto& m) { return publish(m); });
    case MethodId::basic_ack:
      return run<amqp::basic::Ack>(in, [&](const auto& m) { return settle(m.delivery_tag, m.multiple, Settle::ack); });
    case MethodId::basic_nack:
      return run<amqp::basic::Nack>(in, [&](const auto& m) {
        return settle(m.delivery_tag, m.multiple, m.requeue ? Settle::requeue : Settle::reject);
      });
    case MethodId::basic_reject:
      return run<amqp::basic::Reject>(in, [&](const auto& m) {
        return settle(m.delivery_tag, false, m.requeue ? Settle::requeue : Settle::reject);
      });
    default:
      break;
  }
  context_.flush();
  if (stage_ != Stage::open) return Done{};
  switch (id) {
    case MethodId::exchange_declare:
      return run<amqp::exchange::Declare>(in, [&](const auto& m) { return declare_exchange(m); });
    case MethodId::exchange_delete:
      return run<amqp::exchange::Delete>(in, [&](const auto& m) { return delete_exchange(m); });
    case MethodId::exchange_bind:
      return run<amqp::exchange::Bind>(in, [&](const auto& m) { return bind_exchange(m); });
    case MethodId::exchange_unbind:
      return run<amqp::exchange::Unbind>(in, [&](const auto& m) { return unbind_exchange(m); });
    case MethodId::queue_declare:
      return run<amqp::queue::Declare>(in, [&](const auto& m) { return declare_queue(m); });
    case MethodId::queue_bind:
      return run<amqp::queue::Bind>(in, [&](const auto& m) { return bind_queue(m); });
    case MethodId::queue_unbind:
      return run<amqp::queue::Unbind>(in, [&](const auto& m) { return unbind_queue(m); });
    case MethodId::queue_purge:
      return run<amqp::queue::Purge>(in, [&](const auto& m) { return purge_queue(m); });
    case MethodId::queue_delete:
      return run<amqp::queue::Delete>(in, [&](const auto& m) { return delete_queue(m); });
    case MethodId::basic_consume:
      return run<amqp::basic::Consume>(in, [&](const auto& m) { return consume(m); });
    case MethodId::basic_cancel:
      return run<amqp::basic::Cancel>(in, [&](const auto& m) { return cancel(m); });
    case MethodId::basic_get:
      return run<amqp::basic::Get>(in, [&](const auto& m) { return get(m); });
    case MethodId::basic_qos:
      return run<amqp::basic::Qos>(in, [&](const auto& m) { return set_prefetch(m); });
    case MethodId::basic_recover:
      return run<amqp::basic::Recover>(in, [&](const auto& m) { return recover(m.requeue, true); });
    case MethodId::basic_recover_async:
      return run<amqp::basic::RecoverAsync>(in, [&](const auto& m) { return recover(m.requeue, false); });
    case MethodId::channel_flow:
      return run<amqp::channel::Flow>(in, [&](const auto& m) { return flow(m.active); });
    case MethodId::confirm_select:
      return run<amqp::confirm::Select>(in, [&](const auto& m) { return select_confirms(m); });
    case MethodId::tx_select:
      return run<amqp::tx::Select>(in, [&](const auto&) { return select_transactions(); });
    case MethodId::tx_commit:
      return run<amqp::tx::Commit>(in, [&](const auto&) { return commit_transaction(); });
    case MethodId::tx_rollback:
      return run<amqp::tx::Rollback>(in, [&](const auto&) { return rollback_transaction(); });
    case MethodId::access_request:
      return run<amqp::access::Request>(in, [&](const auto&) {
        replies_.answer(number_, amqp::access::RequestOk{.ticket = 1});
        return Done{};
      });
    case MethodId::channel_flow_ok:
    case MethodId::basic_cancel_ok:
      return Done{};
    case MethodId::channel_open:
      return Refusal{ReplyCode::channel_error, "second 'channel.open' seen"};
    default:
      if (amqp::name(id).empty()) return Refusal{ReplyCode::not_implemented, "there is no such method"};
      return Refusal{ReplyCode::command_invalid, std::string(amqp::name(id)) + " is not for a channel or a client"};
  }
}

void Channel::refuse(const Refusal& refusal, MethodId method) {
  if (stage_ != Stage::open) return;
  if (amqp::closes_connection(refusal.code)) return context_.failed(refusal);
  context_.flush();
  stage_ = Stage::closing;
  give_up();
  const auto id = static_cast<std::uint32_t>(method);
  std::string close;
  amqp::write_method(close, number_,
                     amqp::channel::Close{.reply_code = static_cast<std::uint16_t>(refusal.code),
                                          .reply_text = reply_text(refusal, context_.host),
                                          .failed_class = static_cast<std::uint16_t>(id >> 16),
                                          .failed_method = static_cast<std::uint16_t>(id)});
  answer_last(std::move(close));
}

void Channel::answer_last(std::string frames) {
  if (!confirms_.waits()) {
    replies_.place() += frames;
  } else {
    last_answer_.emplace(replies_.hold(), std::move(frames));
  }
}

void Channel::give_up() {
  drop_content();
  for (auto& [tag, consumer] : consumers_) {
    consumer->cancelled_by_client = true;
    context_.broker->cancel(consumer->id);
  }
  consumers_.clear();
  undo_transaction();
  auto open = ledger_.take_through(0);
  if (!open || open->empty()) return;
  Batch batch;
  for (const Unsettled& entry : *open) batch.settlements.push_back({entry.delivery, Settle::requeue});
  auto returned = context_.broker->commit(context_.session, std::move(batch), nullptr);
  if (!returned) log::warning("deliveries of a closed channel did not return", {{"reason", returned.error().text}});
}

ChannelStatus Channel::status() const {
  constexpr const char* modes[] = {"plain", "confirm", "transaction"};
  ChannelStatus status;
  status.number = number_;
  status.mode = modes[static_cast<int>(mode_)];
  status.prefetch = channel_prefetch_;
  status.unsettled = ledger_.size();
  status.unconfirmed = confirms_.open();
  for (const auto& [tag, consumer] : consumers_) {
    status.consumers.push_back(
        {consumer->queue, tag, !consumer->no_ack, consumer->exclusive, consumer->prefetch, consumer->unsettled});
  }
  return status;
}

void Channel::answered(Replies::Ticket ticket, const std::string& frames, const Status& status) {
  if (!status) return context_.failed({ReplyCode::internal_error, status.error().message});
  replies_.fulfil(ticket, frames);
  context_.output_waiting();
}

Refusal Channel::not_permitted(std::string_view what, std::string_view name) const {
  return {ReplyCode::access_refused,
          "user '" + context_.user->name + "' may not " + std::string(what) + " '" + std::string(name) + "'"};
}

void Channel::confirmed(std::uint64_t first, std::uint64_t count, bool stored) {
  confirms_.settle(first, count, stored);
  if (std::exchange(confirms_noted_, true)) return;
  context_.note_confirms(weak_from_this());
}

void Channel::write_confirms() {
  confirms_noted_ = false;
  if (stage_ != Stage::open && !last_answer_) return;
  const auto written = confirms_.write(context_.output, number_);
  context_.traffic.confirmed += written.stored;
  context_.traffic.refused += written.refused;
  if (!last_answer_ || confirms_.waits()) return;
  auto [ticket, frames] = *std::exchange(last_answer_, std::nullopt);
  replies_.fulfil(ticket, std::move(frames));
}

}  // namespace millrace::broker
