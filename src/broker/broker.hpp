#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/queues.hpp"
#include "core/result.hpp"
#include "io/disk.hpp"
#include "io/loop.hpp"

namespace millrace::broker {

struct Limits {
  std::uint64_t segment_size = 16u << 20;       ///< bytes of a log segment
  int lone_commits_min = 8;                     ///< see storage::Log::Settings
  std::uint64_t message_size_max = 128u << 20;  ///< bytes of a body
  /// Bytes. Below this what only publishes is refused; what settles as well, below a quarter of it; settling goes on.
  std::uint64_t free_space_min = 64u << 20;
  /// Bytes of stored bodies that are kept in memory beside the log, in all and for one queue; further ones are read
  /// from the log when they are delivered.
  std::uint64_t bodies_max = 32u << 20;
  std::uint64_t queue_bodies_max = 4u << 20;
  /// Messages of which the place in their queue is kept in memory (48 bytes each), as far as that is up to the broker:
  /// those of the segment being written always are, and those that are delivered next.
  std::uint64_t entries_max = 600'000;
};

enum class StorageState {
  writable,
  full,    ///< waits for space on the disk
  failed,  ///< a write or a sync has failed: nothing is stored until a restart (docs/broker.md)
};

/// What a broker holds in memory.
struct MemoryUse {
  std::uint64_t entries = 0;     ///< messages that wait, and are not only on disk
  std::uint64_t body_bytes = 0;  ///< of those
  std::uint64_t unsettled = 0;   ///< messages out with consumers
  std::uint64_t loads = 0;       ///< how often a part of a backlog came in from disk since the start
};

/// The AMQP 0-9-1 broker without its wire protocol: exchanges, queues, consumers, transactions over one log.
///
/// Guarantees: `durable` callbacks come only when everything of the batch is on stable storage; a message is delivered
/// only once its batch is durable; a batch is all or nothing across crashes; per queue, messages are delivered in the
/// order their batches were made; a settled message never returns. Thread: one loop; not thread-safe. Lifetime: the
/// disk, loop and offload outlive it, and the disk outlives the offload, which may still hold work on it. Destroying it
/// without close() is a crash as far as the disk is concerned (and as harmless).
class Broker final : public Queues {
 public:
  /// Recovers from what `disk` holds (an empty folder is a new broker). Damaged records are quarantined and logged.
  static Result<std::unique_ptr<Broker>> open(io::Loop& loop, io::Disk& disk, io::Offload& offload, Limits limits);
  ~Broker() override;

  Answer<Done> unbind_queue(SessionId session, const std::string& queue, const std::string& exchange,
                            const std::string& key, const amqp::FieldTable& arguments, Durable durable) {
    return unbind(session, {exchange, queue, false, key, arguments}, std::move(durable));
  }
  /// As bind().
  Answer<Done> unbind(SessionId session, const BindingSpec& spec, Durable durable);
  /// The exchange as declared, or nullptr; valid until the next call that deletes. "" is the default exchange.
  const ExchangeSpec* exchange(std::string_view name) const;
  bool has_exchange(std::string_view name) const { return exchange(name) != nullptr; }
  /// The queue, or why this session may not use it: 404, 405 (exclusive to another).
  Answer<QueueStatus> open_queue(SessionId session, std::string_view name) const;
  /// The consumer's sink is ready again.
  void resume(ConsumerId consumer);
  /// basic.get: takes the first message, or nothing.
  Answer<std::optional<Delivery>> get(SessionId session, const std::string& queue, bool no_ack);

  // Looking, for operators.
  MemoryUse memory() const;
  /// Whether what is published can be stored.
  StorageState storage() const;
  /// How the queue was declared, or nullptr; valid until the next call that deletes.
  const QueueSpec* queue_spec(std::string_view name) const;
  std::vector<ExchangeSpec> exchanges() const;
  /// Those that were made; that the default exchange knows every queue by its name goes without saying.
  std::vector<BindingSpec> bindings() const;
  /// Visits the ready messages behind the one with this number (0: all), oldest first, without taking them, until
  /// `visit` says false.
  Answer<Done> browse(std::string_view queue, std::uint64_t after,
                      const std::function<bool(const Waiting&)>& visit) const;
  /// Takes those of the ready messages that have these numbers, which ascend, out of the queue, as deliveries of
  /// `session`, in their order. What is not there any more is left out.
  Answer<std::vector<Delivery>> take(SessionId session, std::string_view queue,
                                     const std::vector<std::uint64_t>& numbers);

  /// While there is a reason (memory is short), publishing is refused with it as on a full disk; settling goes on.
  void hold_publishing(std::optional<std::string> reason);

  SessionId begin_session() override;
  void end_session(SessionId session, SessionEnd how) override;
  Answer<Done> declare_exchange(SessionId session, const ExchangeSpec& spec, Durable durable) override;
  Answer<QueueStatus> declare_queue(SessionId session, const QueueSpec& spec, Durable durable) override;
  Answer<Done> bind(SessionId session, const BindingSpec& spec, Durable durable) override;
  Answer<std::uint64_t> delete_queue(SessionId session, const std::string& queue, bool if_unused, bool if_empty,
                                     Durable durable) override;
  Answer<Done> delete_exchange(SessionId session, const std::string& exchange, bool if_unused,
                               Durable durable) override;
  Answer<std::uint64_t> purge_queue(SessionId session, const std::string& queue, Durable durable) override;
  Answer<Done> inherit_window(SessionId session, const std::string& queue, const std::vector<std::string>& sources,
                              Durable durable) override;
  Answer<Accepted> commit(SessionId session, const Batch& batch, Durable durable) override;
  Answer<Done> consume(SessionId session, const std::string& queue, const ConsumerSpec& spec, ConsumerSink& sink,
                       ConsumerId& id) override;
  void cancel(ConsumerId consumer) override;
  void watch_demand(std::function<void(const std::string& queue)> wanted) override;
  void tap(std::string_view queue, std::function<void(const Message&)> told) override;
  void order_by(OrderBy order_by) override;
  void set_gate(std::string_view queue, const Gate& gate) override;
  std::optional<Gate> gate(std::string_view queue) const override;
  std::vector<QueueStatus> queues() const override;
  std::optional<QueueStatus> queue(std::string_view name) const override;
  Answer<std::vector<MessagePtr>> peek(std::string_view queue, std::size_t offset, std::size_t count) const override;
  void last(const std::string& queue, Last found) override;
  void refresh(const std::vector<std::string>&, std::function<void()> fresh) override { fresh(); }
  bool keeps_books() const override { return true; }
  /// Syncs what is open and stops taking anything; `closed` is called when the disk is at rest.
  void close(std::function<void(Status)> closed) override;

 private:
  class Core;
  explicit Broker(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace millrace::broker
