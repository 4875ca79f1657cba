#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amqp/client/link.hpp"
#include "io/loop.hpp"

namespace millrace::amqp::client {

/// Commits on a channel in confirm mode (https://www.rabbitmq.com/docs/confirms), for brokers whose transactions are
/// not atomic across queues: all publishes of a commit, mandatory; when each is confirmed, its snapshot is saved; then
/// its acknowledgements go out and it is done. Publishes of many commits are under way at once, their ends come in
/// order.
///
/// Nothing is acknowledged before what came of it is safe. What the broker returns (no queue is bound) or refuses (a
/// queue is full, or has no quorum) is published again after 100 ms, 200 ms … 30 s, for as long as the link lives. So a
/// message is never lost, but may be there twice: when the link ends between publish and acknowledgement, or an
/// acknowledgement is lost on its way (the broker does not answer one), the input is delivered again and makes the same
/// outputs with the same ids.
///
/// Pure of sockets. Thread: the loop's, which outlives it.
class ConfirmedCommits {
 public:
  struct Settings {
    /// A message with this key is no message but the step's new position: it is given to `save_snapshot` instead.
    std::string snapshot_key;
    /// Calls `done` once; on an error it is asked again after a while.
    std::function<void(const std::string& text, std::function<void(Status)> done)> save_snapshot;
  };
  struct Channel {
    std::function<void(const Outgoing&)> publish;  ///< mandatory; the broker numbers them from 1
    std::function<void(const Commit&)> settle;     ///< acks and returns of a commit
    std::function<void()> committed;               ///< the oldest commit not yet told of
    std::function<void()> wrote = {};              ///< one of the others was called from a timer
  };

  ConfirmedCommits(io::Loop& loop, Settings settings, Channel channel);
  ~ConfirmedCommits();

  void add(Commit commit);
  /// Publishes wait from now on (connection.blocked), or go out. At first they wait.
  void hold(bool held);
  /// basic.ack and basic.nack of the broker.
  void answered(std::uint64_t number, bool multiple, bool confirmed);
  /// basic.return, which comes before the answer to the message.
  void returned(const Outgoing& message, const std::string& why);
  /// The link is over: nothing more is done or told. May come from inside a call of the channel.
  void stop();

 private:
  static constexpr std::chrono::milliseconds delay_min{100};

  struct Open {
    std::uint64_t number;
    Commit commit;  ///< of its publishes those that are confirmed are empty
    std::optional<std::string> snapshot = {};
    std::string trouble = {};  ///< why, of the last one
    std::size_t unconfirmed = 0;
    std::vector<std::size_t> again = {};  ///< places of publishes that go out once more
    bool waits = false;                   ///< for the time to publish again, or for hold(false)
    bool saving = false;
    std::chrono::milliseconds delay = delay_min;  ///< the next one
  };
  struct Sent {
    std::uint64_t commit;  ///< number of its Open
    std::size_t publish;   ///< place in its publishes
    bool returned = false;
    bool answered = false;
  };

  void send(Open& open);
  void answer(Sent& sent, bool confirmed);
  void try_again(Open& open);
  void advance();
  void advance_soon();
  void save(Open& front);
  void saved(const Status& status);
  Open& open_of(std::uint64_t number) { return open_[number - open_.front().number]; }
  bool has(std::uint64_t number) const { return !open_.empty() && number >= open_.front().number; }
  void after(std::chrono::milliseconds delay, std::function<void()> task);

  io::Loop& loop_;
  Settings settings_;
  Channel channel_;
  std::deque<Open> open_;  ///< in the order given; their numbers have no gaps
  std::uint64_t next_number_ = 0;
  std::deque<Sent> sent_;
  std::uint64_t first_sent_ = 1;  ///< the broker's number of sent_.front()
  bool held_ = true;
  bool advancing_ = false;
  std::shared_ptr<bool> alive_;
};

}  // namespace millrace::amqp::client
