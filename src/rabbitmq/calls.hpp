#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "amqp/client/connection.hpp"
#include "amqp/frame.hpp"
#include "core/result.hpp"

namespace millrace::rabbitmq {

/// A channel on which calls are made: methods that RabbitMQ answers. They are made in the order given, without waiting
/// for each other, and again on each new connection until they are answered, so a call may be made twice: all that are
/// made here may be. One that is refused closes the channel (AMQP 0-9-1 §1.2): it gets the Error, and those behind it
/// are made again. Thread: the loop's.
class Calls final : public amqp::client::ChannelUser {
 public:
  struct Answer {
    std::uint32_t messages = 0;  ///< ready in the queue (declare), or gone with it (delete, purge)
    std::uint32_t consumers = 0;
  };
  /// Error::not_found: there is no such queue or exchange; conflict: it is declared otherwise; permission; unavailable.
  using Answered = std::function<void(const Result<Answer>&)>;

  Calls(amqp::client::Connection& connection, std::uint16_t channel) : connection_(connection), channel_(channel) {}

  template <class Method>
  void make(const Method& method, amqp::MethodId answer, Answered done) {
    Call call{{}, answer, std::move(done)};
    amqp::write_method(call.frames, channel_, method);
    add(std::move(call));
  }
  bool idle() const { return calls_.empty(); }
  /// Called each time that the last call is answered.
  void when_idle(std::function<void()> told) { told_ = std::move(told); }
  /// On each new channel: `first` makes calls that go before all that wait, `then` makes some that go behind them. For
  /// what RabbitMQ keeps only as long as the connection is there.
  void begin_with(std::function<void()> first, std::function<void()> then) {
    first_ = std::move(first);
    then_ = std::move(then);
  }

  void opened() override;
  void replied(amqp::MethodId id, amqp::Reader& in) override;
  void closed(amqp::ReplyCode code, const std::string& why) override;

 private:
  struct Call {
    std::string frames;
    amqp::MethodId answer;
    Answered done;
  };

  void add(Call call);
  void finish(const Result<Answer>& answer);

  amqp::client::Connection& connection_;
  const std::uint16_t channel_;
  std::deque<Call> calls_;  ///< not answered yet; all of them have been sent while `open_`
  std::function<void()> told_;
  std::function<void()> first_;
  std::function<void()> then_;
  bool open_ = false;
  bool beginning_ = false;  ///< calls that are added go before those that wait
  std::size_t begun_ = 0;   ///< how many were added so
};

}  // namespace millrace::rabbitmq
