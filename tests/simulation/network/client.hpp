#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "amqp/frame.hpp"
#include "ledger.hpp"
#include "line.hpp"

namespace millrace::simulation {

/// What clients share.
struct Surroundings {
  io::sim::SimLoop& loop;
  std::mt19937_64& dice;
  NetworkLedger& ledger;
  std::function<void(std::string)> complain;
  std::function<void(const std::string&)> tell;
  bool may_be_refused = false;  ///< the storage has failed, or the broker shuts down: it may nack and close
  bool all_declared = false;    ///< some client has heard that everything is, since the broker's start
  std::uint64_t next_id = 1;
  std::uint64_t published = 0;
  std::uint64_t settled = 0;

  std::uint64_t random(std::uint64_t below) { return dice() % below; }
};

/// A client that speaks AMQP over a line: it declares the queues of all families, publishes with confirms on channel 1,
/// consumes on channel 2 and uses transactions on channel 3, by the dice. What it asks for and hears goes into the
/// ledger; what the protocol does not allow it to hear is a fault. It has one connection in its life. Lifetime: the
/// surroundings outlive it.
class Client final : public Line::Peer {
 public:
  enum class Habit : std::uint8_t {
    busy,    ///< does something whenever it is asked to
    hungry,  ///< consumes all queues and acknowledges what comes; does nothing else
  };
  Client(Surroundings& around, std::shared_ptr<Line> line, std::string name, Habit habit = Habit::busy);
  ~Client() override;

  /// One thing by the dice.
  void act();
  /// Sends connection.close.
  void leave();
  /// The process dies.
  void vanish();
  bool is_gone() const { return stage_ == Stage::gone; }
  bool is_open() const { return stage_ == Stage::open; }
  /// Nothing that was published or asked for waits for its answer.
  bool is_answered() const { return unconfirmed_.empty() && asked_.empty() && !committing_ && !purging_; }
  const std::string& name() const { return name_; }
  Line& line() { return *line_; }

 private:
  enum class Stage : std::uint8_t { login, open, leaving, gone };
  static constexpr std::uint16_t confirming = 1;
  static constexpr std::uint16_t consuming = 2;
  static constexpr std::uint16_t transacting = 3;

  struct Held {
    Copy* copy = nullptr;
    std::string queue;
    bool by_consumer = false;
    std::int64_t place = 0;  ///< in an ordered queue
  };
  struct Incoming {  ///< a content on its way
    std::string queue;
    std::uint64_t tag = 0;
    bool redelivered = false;
    bool returned = false;
    bool by_consumer = false;
    std::optional<std::uint64_t> size;
    std::string body;
    std::int64_t place = 0;
  };
  struct ChannelState {
    std::map<std::uint64_t, Held> held;
    std::optional<Incoming> incoming;
    std::map<std::string, std::string> consumers;  ///< tag → queue
    std::deque<std::string> gets;                  ///< queues of basic.get without an answer
    /// (queue, stream, priority) → number of the last first delivery
    std::map<std::tuple<std::string, std::string, std::uint8_t>, std::uint64_t> last;
    std::uint64_t tag = 0;
    std::uint16_t prefetch = 0;
  };
  /// An ack or reject that the broker has not answered: certain once something sent later is known to be durable.
  struct Settling {
    Copy* copy;
    bool moving;
  };
  struct Unconfirmed {
    std::vector<Copy*> copies;
    std::uint64_t settlings_before;
    bool unroutable;
  };

  // client.cpp: what it hears
  void received(std::string_view bytes) override;
  void lost() override;
  void frame(const amqp::Frame& frame);
  void connection_method(amqp::MethodId id, amqp::Reader& in);
  void channel_method(std::uint16_t channel, amqp::MethodId id, amqp::Reader& in);
  void content(std::uint16_t channel, const amqp::Frame& frame);
  void arrived(std::uint16_t channel);
  void check_order(ChannelState& state, const Incoming& incoming, const Copy& copy);
  void confirmed(std::uint64_t tag, bool multiple, bool stored);
  void committed();
  void answered();
  void purged();
  void certain_until(std::uint64_t settlings);
  void end();
  void beat();
  void fault(const std::string& what);

  // client_acts.cpp: what it does
  template <class Method>
  void send(std::uint16_t channel, const Method& method) {
    std::string bytes;
    amqp::write_method(bytes, channel, method);
    send_bytes(bytes);
  }
  void send_bytes(std::string_view bytes);
  void start(const amqp::connection::Start& start);
  void set_up();
  void declare_all();
  void declare(const char* queue);
  void consume(std::uint16_t channel, const char* queue);
  void publish(std::uint16_t channel);
  void settle(std::uint16_t channel);
  void put_back(std::uint64_t tag, const Held& held);
  void acknowledge_at_once(std::uint16_t channel, std::uint64_t tag);
  void get(std::uint16_t channel);
  void commit();
  void roll_back();
  void purge();
  void reopen();

  Surroundings& around_;
  std::shared_ptr<Line> line_;
  const std::string name_;
  const Habit habit_;
  Stage stage_ = Stage::login;
  amqp::FrameReader reader_;
  std::uint32_t frame_size_max_ = 4096;
  io::TimerId timer_ = 0;
  int quiet_beats_ = 0;
  ChannelState channels_[4];
  std::uint64_t numbers_ = 0;  ///< of publications

  std::uint64_t last_confirm_tag_ = 0;
  std::map<std::uint64_t, Unconfirmed> unconfirmed_;  ///< by confirm tag
  std::deque<Settling> settlings_;
  std::uint64_t settlings_certain_ = 0;  ///< how many were taken off settlings_
  std::deque<std::uint64_t> asked_;      ///< declarations without an answer: settlings sent before
  std::shared_ptr<Transaction> gathered_ = std::make_shared<Transaction>();
  std::map<std::uint64_t, Held> taken_;  ///< of `held` of the channel of transactions, by gathered_
  std::shared_ptr<Transaction> committing_;
  std::uint64_t settlings_before_commit_ = 0;
  std::optional<std::vector<Copy*>> purging_;
  bool reopening_ = false;
};

}  // namespace millrace::simulation
