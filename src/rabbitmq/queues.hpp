#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amqp/client/broker_uri.hpp"
#include "amqp/client/connection.hpp"
#include "broker/queues.hpp"
#include "rabbitmq/calls.hpp"
#include "rabbitmq/consumers.hpp"
#include "rabbitmq/dead_letter_intake.hpp"
#include "rabbitmq/last_values.hpp"
#include "rabbitmq/publisher.hpp"
#include "store/store.hpp"

namespace millrace::rabbitmq {

/// The queues of flows in RabbitMQ, 3.10 or later (docs/rabbitmq.md). One connection of the platform; workers have
/// their own.
///
/// Guarantees: what is said to be durable is confirmed by quorum queues, or in the store. A commit publishes its
/// messages one by one, so a crash may leave some of them; one that brings a last value (place_of) is whole: the value
/// and what is to be published are one transaction of the store, and whoever asks for the value next publishes what is
/// not yet. While RabbitMQ is away everything waits, as much as `waiting_max` allows; then commits are refused.
///
/// Other than the embedded Broker: declarations and deletions are answered before RabbitMQ has agreed (`durable`
/// tells); `unroutable`, `rejected` and `repeated` are always empty (what no queue takes is tried again, then an
/// Error); counts are up to a second old, `unsettled` and the totals are what workers say (Hooks::work); there are no
/// windows, gates, taps and no order by keys: their calls have no effect; peek() shows nothing. Thread: the loop's.
/// Lifetime: loop and store outlive it.
class Queues final : public broker::Queues {
 public:
  /// What the workers of a queue say, added up.
  struct Work {
    std::uint64_t in_work = 0;
    std::uint64_t settled_total = 0;
    std::optional<std::uint64_t> published_total = {};  ///< nullopt: what was settled, is in work or waits
  };
  struct Hooks {
    /// May be empty.
    std::function<Work(const std::string& queue)> work;
    /// A dead letter has come; it is taken off RabbitMQ's queue when `kept` is told Done.
    DeadLetterIntake::Keep dead_letter;
    /// What a last value of this queue may be written under alone; may be empty.
    std::function<std::optional<LastValues::Fence>(const std::string& queue)> fence;
    /// How many dead letters of a flow are kept.
    std::function<std::uint64_t(const std::string& flow)> dead_letters;
  };

  /// Begins to connect; whether RabbitMQ is there shows later.
  Queues(io::posix::AsioLoop& loop, store::Store& store, const amqp::client::BrokerUri& uri, const std::string& name,
         Hooks hooks);
  ~Queues() override;

  /// Limits of what waits for RabbitMQ in memory.
  static constexpr std::size_t waiting_max = 20'000;              ///< messages
  static constexpr std::uint64_t waiting_bytes_max = 256u << 20;  ///< of their bodies
  /// How long a message may wait that nobody else has on disk, until its commit fails.
  static constexpr std::chrono::seconds patience{20};

  struct State {
    bool connected = false;
    std::string trouble;  ///< why it takes nothing now, or empty
    io::WallTime since;   ///< of this
    std::size_t waiting = 0;
  };
  State state() const;

  broker::SessionId begin_session() override { return broker::SessionId{++last_session_}; }
  void end_session(broker::SessionId, broker::SessionEnd) override {}
  broker::Answer<Done> declare_exchange(broker::SessionId, const broker::ExchangeSpec& spec, Durable durable) override;
  broker::Answer<broker::QueueStatus> declare_queue(broker::SessionId, const broker::QueueSpec& spec,
                                                    Durable durable) override;
  broker::Answer<Done> bind(broker::SessionId, const broker::BindingSpec& spec, Durable durable) override;
  broker::Answer<std::uint64_t> delete_queue(broker::SessionId, const std::string& queue, bool if_unused, bool if_empty,
                                             Durable durable) override;
  broker::Answer<Done> delete_exchange(broker::SessionId, const std::string& exchange, bool if_unused,
                                       Durable durable) override;
  broker::Answer<std::uint64_t> purge_queue(broker::SessionId, const std::string& queue, Durable durable) override;
  broker::Answer<Done> inherit_window(broker::SessionId, const std::string& queue,
                                      const std::vector<std::string>& sources, Durable durable) override;
  broker::Answer<broker::Accepted> commit(broker::SessionId, const broker::Batch& batch, Durable durable) override;
  broker::Answer<Done> consume(broker::SessionId, const std::string& queue, const broker::ConsumerSpec& spec,
                               broker::ConsumerSink& sink, broker::ConsumerId& id) override;
  void cancel(broker::ConsumerId consumer) override;
  void watch_demand(std::function<void(const std::string& queue)> wanted) override { wanted_ = std::move(wanted); }
  void tap(std::string_view, std::function<void(const broker::Message&)>) override {}
  void order_by(broker::OrderBy) override {}
  void set_gate(std::string_view, const broker::Gate&) override {}
  std::optional<broker::Gate> gate(std::string_view) const override { return std::nullopt; }
  std::vector<broker::QueueStatus> queues() const override;
  std::optional<broker::QueueStatus> queue(std::string_view name) const override;
  broker::Answer<std::vector<broker::MessagePtr>> peek(std::string_view, std::size_t, std::size_t) const override {
    return std::vector<broker::MessagePtr>();
  }
  void last(const std::string& queue, Last found) override;
  void refresh(const std::vector<std::string>& queues, std::function<void()> fresh) override;
  bool keeps_books() const override { return false; }
  void close(std::function<void(Status)> closed) override;

 private:
  struct Known {
    broker::QueueSpec spec;
    std::uint64_t ready = 0;
    std::uint32_t consumers = 0;
    io::SteadyTime had_messages = {};  ///< when it was last seen with some
  };
  using Bound = std::map<std::pair<std::string, std::string>, std::set<std::string>>;

  void opened();
  void lost(const Error& why);
  void hold_what_must_wait();
  void tell_soon(Durable durable);
  void each_transient(const std::function<void(const std::string& name)>& visit);
  void declare_transient();
  void bind_transient();
  void bind_in_rabbitmq(const broker::BindingSpec& spec, Durable durable);
  void count();
  void count(const std::string& name, std::function<void()> counted);
  void count_all(const std::vector<std::string>& names, std::function<void()> counted);
  void wait_to_count();
  void came(const broker::Message& message);
  broker::QueueStatus status_of(const std::string& name, const Known& known) const;
  void publish(const std::vector<broker::MessagePtr>& messages, std::optional<std::chrono::milliseconds> give_up_after,
               std::function<void(Status)> published);
  void publish_with(const std::string& queue, const broker::MessagePtr& value,
                    const std::vector<broker::MessagePtr>& messages, Durable durable);
  std::optional<std::string> last_value_queue(const broker::Message& message) const;

  io::posix::AsioLoop& loop_;
  Hooks hooks_;
  amqp::client::Connection connection_;
  Calls topology_;
  Publisher publisher_;
  Calls counting_;
  Consumers consumers_;
  Consumers dead_letter_consumers_;
  LastValues last_values_;
  DeadLetterIntake dead_letters_;

  std::map<std::string, Known, std::less<>> known_;  ///< queues, by name
  Bound bound_;                                      ///< queues by exchange and key
  std::function<void(const std::string&)> wanted_;
  std::optional<std::string> blocked_;
  std::string trouble_ = "RabbitMQ has not been reached yet";
  io::WallTime since_;
  io::TimerId count_timer_ = 0;
  std::uint64_t last_session_ = 0;
  std::uint64_t last_consumer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::rabbitmq
