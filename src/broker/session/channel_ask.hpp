#pragma once

#include "broker/session/channel.hpp"

namespace millrace::broker {

template <class Call>
Channel::Handled Channel::ask(bool no_wait, Call call) {
  if (no_wait) {
    auto answer = call([weak = weak_from_this()](const Status& status) {
      auto self = weak.lock();
      if (self && !status) self->context_.failed({amqp::ReplyCode::internal_error, status.error().message});
    });
    if (!answer) return answer.error();
    return Done{};
  }
  const Replies::Ticket ticket = replies_.hold();
  auto frames = std::make_shared<std::string>();
  auto answer = call([weak = weak_from_this(), ticket, frames](const Status& status) {
    if (auto self = weak.lock()) self->answered(ticket, *frames, status);
  });
  if (!answer) {
    replies_.fulfil(ticket, {});
    return answer.error();
  }
  amqp::write_method(*frames, number_, *answer);
  return Done{};
}

}  // namespace millrace::broker
