#include "rabbitmq/calls.hpp"

#include <utility>

namespace millrace::rabbitmq {
namespace {

using amqp::MethodId;
using amqp::ReplyCode;

Error::Kind kind_of(ReplyCode code) {
  switch (code) {
    case ReplyCode::not_found:
      return Error::Kind::not_found;
    case ReplyCode::precondition_failed:
    case ReplyCode::resource_locked:
      return Error::Kind::conflict;
    case ReplyCode::access_refused:
      return Error::Kind::permission;
    default:
      return Error::Kind::unavailable;
  }
}

Calls::Answer read_answer(MethodId id, amqp::Reader& in) {
  switch (id) {
    case MethodId::queue_declare_ok: {
      const auto declared = amqp::queue::DeclareOk::read(in);
      return {declared.message_count, declared.consumer_count};
    }
    case MethodId::queue_delete_ok:
      return {amqp::queue::DeleteOk::read(in).message_count, 0};
    case MethodId::queue_purge_ok:
      return {amqp::queue::PurgeOk::read(in).message_count, 0};
    default:
      return {};
  }
}

}  // namespace

void Calls::add(Call call) {
  if (open_) connection_.send_frames(channel_, call.frames);
  if (!beginning_) return calls_.push_back(std::move(call));
  calls_.insert(calls_.begin() + static_cast<std::ptrdiff_t>(begun_++), std::move(call));
}

void Calls::opened() {
  // None of them was sent on this channel.
  beginning_ = true;
  begun_ = 0;
  if (first_) first_();
  beginning_ = false;
  if (then_) then_();
  open_ = true;
  for (const auto& call : calls_) connection_.send_frames(channel_, call.frames);
}

void Calls::replied(MethodId id, amqp::Reader& in) {
  if (calls_.empty() || calls_.front().answer != id) return;
  finish(read_answer(id, in));
}

void Calls::closed(ReplyCode code, const std::string& why) {
  open_ = false;
  if (code == ReplyCode::connection_forced || calls_.empty()) return;
  finish(Error{kind_of(code), why});
}

void Calls::finish(const Result<Answer>& answer) {
  const auto call = std::move(calls_.front());
  calls_.pop_front();
  if (call.done) call.done(answer);
  if (calls_.empty() && told_) told_();
}

}  // namespace millrace::rabbitmq
