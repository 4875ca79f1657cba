#include "broker/session/context.hpp"

#include <algorithm>

#include "broker/session/channel.hpp"
#include "broker/session/consumer.hpp"

namespace millrace::broker {

namespace {

constexpr std::size_t gathered_size_max = 256 * 1024;  // bytes
constexpr std::size_t operation_size = 256;            // bytes, what an operation costs beside its body

std::size_t size_of(const Batch& batch) {
  std::size_t size = (batch.publishes.size() + batch.settlements.size()) * operation_size;
  for (const MessagePtr& message : batch.publishes) size += message->body.size();
  return size;
}

bool for_want_of_space(const Refusal& refusal) {
  return refusal.code == amqp::ReplyCode::resource_error;
}

/// Now and until the restart: who waits for a confirm gets a basic.nack, others lose their connection.
bool cannot_store(const Refusal& refusal) {
  return refusal.code == amqp::ReplyCode::internal_error;
}

}  // namespace

Context::Context(io::Loop& loop, Broker& the_broker, SessionSettings the_settings)
    : broker(&the_broker), settings(the_settings), loop_(loop) {}

void Context::publish(const std::shared_ptr<Channel>& channel, MessagePtr message, bool mandatory,
                      std::uint64_t number) {
  ++traffic.published;
  gathered_.size += message->body.size() + operation_size;
  gathered_.batch.publishes.push_back(std::move(message));
  gathered_.origins.push_back({channel, number, mandatory});
  if (gathered_.size > gathered_size_max) flush();
}

void Context::settle(Settlement settlement) {
  count(settlement.how);
  gathered_.batch.settlements.push_back(settlement);
  gathered_.size += operation_size;
  if (gathered_.size > gathered_size_max) flush();
}

void Context::count(Settle how) {
  ++(how == Settle::ack ? traffic.acknowledged : how == Settle::reject ? traffic.rejected : traffic.requeued);
}

void Context::flush() {
  if (gathered_.origins.empty() && gathered_.batch.settlements.empty()) return;
  hand_over(std::exchange(gathered_, {}));
}

std::vector<Context::Run> Context::runs_of(const std::vector<Origin>& origins) {
  std::vector<Run> runs;
  const Channel* last = nullptr;
  for (const Origin& origin : origins) {
    if (origin.number == 0) continue;
    if (origin.channel.get() == last && runs.back().first + runs.back().count == origin.number) {
      ++runs.back().count;
    } else {
      runs.push_back({origin.channel, origin.number, 1});
      last = origin.channel.get();
    }
  }
  return runs;
}

void Context::hand_over(Gathered gathered) {
  if (closed_) return;
  gathered.batch.whole = false;
  auto runs = std::make_shared<std::vector<Run>>();
  Told told;
  if (!gathered.origins.empty()) {
    const bool all_hear = std::all_of(gathered.origins.begin(), gathered.origins.end(),
                                      [](const Origin& origin) { return origin.number != 0; });
    told = [runs, all_hear](const Status& status) {
      for (const Run& run : *runs) {
        if (auto channel = run.channel.lock()) channel->confirmed(run.first, run.count, static_cast<bool>(status));
      }
      return all_hear;
    };
  }
  auto answer = commit(gathered.batch, std::move(told));
  if (answer) {
    for (std::size_t index : answer->rejected) {
      Origin& origin = gathered.origins[index];
      if (origin.number != 0) origin.channel->confirmed(std::exchange(origin.number, 0), 1, false);
    }
    *runs = runs_of(gathered.origins);
    for (std::size_t index : answer->unroutable) {
      const Origin& origin = gathered.origins[index];
      if (origin.mandatory) origin.channel->give_back(*gathered.batch.publishes[index]);
    }
    return;
  }
  if (gathered.origins.size() + gathered.batch.settlements.size() > 1) return hand_over_singly(std::move(gathered));
  if (gathered.origins.empty()) return failed(answer.error());
  if (const auto& origin = gathered.origins[0]; origin.number != 0 && cannot_store(answer.error())) {
    return origin.channel->confirmed(origin.number, 1, false);
  }
  if (for_want_of_space(answer.error())) {
    const std::string reason = answer.error().text;
    keep_for_later(std::move(gathered));
    return block(reason, [this] { flush(); });
  }
  gathered.origins[0].channel->refuse(answer.error(), amqp::MethodId::basic_publish);
}

/// Finds out which of several operations it was that the broker refused; the others take effect.
void Context::hand_over_singly(Gathered gathered) {
  for (const Settlement& settlement : gathered.batch.settlements) {
    Gathered one;
    one.batch.settlements.push_back(settlement);
    hand_over(std::move(one));
  }
  for (std::size_t i = 0; i < gathered.origins.size(); ++i) {
    if (!gathered.origins[i].channel->takes_input()) continue;
    Gathered one;
    one.size = gathered.batch.publishes[i]->body.size() + operation_size;
    one.batch.publishes.push_back(std::move(gathered.batch.publishes[i]));
    one.origins.push_back(std::move(gathered.origins[i]));
    if (blocked_) {
      keep_for_later(std::move(one));
    } else {
      hand_over(std::move(one));
    }
  }
}

void Context::keep_for_later(Gathered gathered) {
  gathered_.size += gathered.size;
  for (auto& message : gathered.batch.publishes) gathered_.batch.publishes.push_back(std::move(message));
  for (auto& origin : gathered.origins) gathered_.origins.push_back(std::move(origin));
}

Answer<Accepted> Context::commit(const Batch& batch, Told told) {
  if (!told) return broker->commit(session, batch, nullptr);
  const std::size_t size = size_of(batch);
  auto answer =
      broker->commit(session, batch, [weak = weak_from_this(), size, told = std::move(told)](const Status& status) {
        if (auto self = weak.lock(); self && !self->closed_) self->durable(size, status, told);
      });
  if (answer) open_size_ += size;
  return answer;
}

void Context::durable(std::size_t size, const Status& status, const Told& told) {
  const bool was_paused = input_paused();
  open_size_ -= size;
  if (!told(status) && !status) return failed({amqp::ReplyCode::internal_error, status.error().message});
  if (!has_open_publishes()) all_durable();
  if (was_paused && !input_paused()) input_resumed();
}

void Context::block(const std::string& reason, std::function<void()> again) {
  if (closed_) return;
  if (!blocked_ && tells_blocked) {
    amqp::write_method(output, 0, amqp::connection::Blocked{.reason = reason});
    output_waiting();
  }
  blocked_ = true;
  loop_.after(settings.blocked_retry_delay, [weak = weak_from_this(), again = std::move(again)] {
    auto self = weak.lock();
    if (!self || self->closed_) return;
    self->blocked_ = false;
    const bool told = std::exchange(self->tells_blocked, false);  // no word while it only tries
    again();
    self->tells_blocked = told;
    if (self->blocked_ || self->closed_) return;
    if (told) {
      amqp::write_method(self->output, 0, amqp::connection::Unblocked{});
      self->output_waiting();
    }
    if (!self->input_paused()) self->input_resumed();
  });
}

void Context::may_take_more(const std::shared_ptr<Consumer>& consumer) {
  if (!consumer || consumer->noted_for_resume) return;
  consumer->noted_for_resume = true;
  may_take_more_.push_back(consumer);
}

void Context::resume_consumers() {
  for (const auto& consumer : std::exchange(may_take_more_, {})) {
    consumer->noted_for_resume = false;
    if (!consumer->cancelled_by_client && !closed_ && consumer->ready()) broker->resume(consumer->id);
  }
}

void Context::note_confirms(std::weak_ptr<Channel> channel) {
  confirms_noted_.push_back(std::move(channel));
  output_waiting();
}

void Context::write_confirms() {
  for (const auto& noted : std::exchange(confirms_noted_, {})) {
    if (auto channel = noted.lock()) channel->write_confirms();
  }
}

void Context::close() {
  closed_ = true;
  gathered_ = {};
  may_take_more_.clear();
}

}  // namespace millrace::broker
