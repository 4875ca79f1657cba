#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "broker/session/connection_status.hpp"
#include "broker/users.hpp"
#include "io/loop.hpp"

namespace millrace::broker {

struct SessionSettings {
  std::uint32_t frame_size_max = 131072;  ///< bytes, offered in connection.tune
  /// What the broker calls itself in connection.start; clients and their libraries look for this one by name.
  std::string product = "RabbitMQ";
  std::uint16_t channel_max = 2047;                    ///< channels a connection may open
  std::uint16_t heartbeat = 60;                        ///< seconds, offered in connection.tune
  std::size_t output_size_max = 4u << 20;              ///< bytes waiting for the socket; beyond, deliveries pause
  std::size_t open_size_max = 4u << 20;                ///< bytes of publishes not yet durable; beyond, input pauses
  std::size_t transaction_size_max = 256u << 20;       ///< bytes a transaction may gather
  std::uint64_t message_size_max = 128u << 20;         ///< bytes of a body
  std::chrono::milliseconds blocked_retry_delay{250};  ///< between tries while the broker refuses for want of space
};

class Channel;
class Consumer;

/// What the channels of one connection share: the way out, the broker, and the operations outside transactions that
/// gather until the input at hand is used up, so that one Batch carries many of them. Operations of one connection
/// reach the broker in the order the client sent them. Lives as long as any answer of the broker may come.
class Context : public std::enable_shared_from_this<Context> {
 public:
  Context(io::Loop& loop, Broker& broker, SessionSettings settings);

  Broker* broker;  ///< of the virtual host; never null
  const SessionSettings settings;
  SessionId session;
  std::string host = "/";  ///< the virtual host
  std::shared_ptr<const User> user;
  Permissions permissions;  ///< the user's in this virtual host
  std::uint32_t frame_size_max = 0;
  bool tells_cancel = false;   ///< the client wants basic.cancel when the broker ends a consumer
  bool tells_blocked = false;  ///< the client wants connection.blocked
  Traffic traffic;
  std::uint64_t incoming_size = 0;  ///< bytes of bodies that have begun on some channel and are not whole
  std::string output;
  std::function<void()> output_waiting;  ///< something was written outside of input()
  std::function<void()> all_durable;     ///< has_open_publishes() is false again
  std::function<void()> input_resumed;   ///< input_paused() is false again
  std::function<void(Refusal)> failed;   ///< the connection cannot go on

  bool has_room() const { return output.size() < settings.output_size_max; }
  /// The client does not read its answers: it is asked for nothing more until it does. Deliveries alone stay below.
  bool overfull() const { return output.size() > 2 * settings.output_size_max; }

  /// The channel has confirms to write; they are written together by write_confirms().
  void note_confirms(std::weak_ptr<Channel> channel);
  void write_confirms();

  // Operations outside transactions.
  void publish(const std::shared_ptr<Channel>& channel, MessagePtr message, bool mandatory, std::uint64_t number);
  void settle(Settlement settlement);
  void count(Settle how);
  /// Hands what was gathered to the broker.
  void flush();

  /// Whether the client learns of the outcome; if not, the end of its connection has to tell it of a failure.
  using Told = std::function<bool(const Status&)>;
  /// Broker::commit with the bytes accounted for input_paused().
  Answer<Accepted> commit(const Batch& batch, Told told);
  /// Publishing is refused for want of space: tells the client, takes no input, and calls `again` a little later.
  void block(const std::string& reason, std::function<void()> again);

  /// Consumers that may take more; told to the broker once at the end of the input.
  void may_take_more(const std::shared_ptr<Consumer>& consumer);
  void resume_consumers();

  bool input_paused() const {
    return blocked_ || overfull() || open_size_ > settings.open_size_max || (holds_input && has_open_publishes());
  }
  /// Publishes of this connection are not durable yet, so not in their queues.
  bool has_open_publishes() const { return open_size_ > 0 || !gathered_.origins.empty(); }
  bool holds_input = false;  ///< a method waits until the publishes before it are in their queues
  void close();

 private:
  struct Origin {
    std::shared_ptr<Channel> channel;
    std::uint64_t number = 0;  // for its confirm; 0 if nobody asked
    bool mandatory = false;
  };
  struct Gathered {
    Batch batch;
    std::vector<Origin> origins;  // of batch.publishes
    std::size_t size = 0;         // bytes
  };

  /// Publishes of one channel with successive confirm numbers.
  struct Run {
    std::weak_ptr<Channel> channel;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
  };

  static std::vector<Run> runs_of(const std::vector<Origin>& origins);
  void hand_over(Gathered gathered);
  void hand_over_singly(Gathered gathered);
  void keep_for_later(Gathered gathered);
  void durable(std::size_t size, const Status& status, const Told& told);

  io::Loop& loop_;
  Gathered gathered_;
  std::size_t open_size_ = 0;  // bytes
  bool blocked_ = false;
  bool closed_ = false;
  std::vector<std::shared_ptr<Consumer>> may_take_more_;
  std::vector<std::weak_ptr<Channel>> confirms_noted_;
};

}  // namespace millrace::broker
