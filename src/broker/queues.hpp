#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amqp/field_table.hpp"
#include "amqp/reply_code.hpp"
#include "broker/message.hpp"
#include "core/result.hpp"
#include "core/strong_id.hpp"
#include "io/disk.hpp"
#include "io/loop.hpp"

namespace millrace::broker {

/// Why the broker refuses: the reply code decides whether the session closes the channel or the connection
/// (AMQP 0-9-1 §1.2, amqp::closes_connection).
struct Refusal {
  amqp::ReplyCode code;
  std::string text;
};
template <class T>
using Answer = Result<T, Refusal>;

using SessionId = StrongId<struct SessionTag>;    ///< one client connection; in-process users have one as well
using ConsumerId = StrongId<struct ConsumerTag>;  ///< unique in the broker's life
using DeliveryId = StrongId<struct DeliveryTag>;  ///< one message out to one consumer, until it is settled

struct ExchangeSpec {
  std::string name;
  std::string type = "direct";  ///< direct | fanout | topic | headers
  bool durable = true;
  bool auto_delete = false;
  bool internal = false;
  amqp::FieldTable arguments;
};

/// A binding from an exchange to a queue, or to another exchange.
struct BindingSpec {
  std::string source;
  std::string destination;
  bool to_exchange = false;
  std::string key;
  amqp::FieldTable arguments;
};

/// Names of queues that only the broker's own session layer declares: one for each client that awaits direct replies
/// (https://www.rabbitmq.com/docs/direct-reply-to).
inline constexpr std::string_view reply_queue_prefix = "amq.rabbitmq.reply-to";

struct QueueSpec {
  std::string name;  ///< empty: the broker makes one ("amq.gen-…")
  bool durable = true;
  bool exclusive = false;
  bool auto_delete = false;
  /// RabbitMQ's x-… arguments, and Millrace's own:
  ///  x-delivery-limit (how often a message may come back to the queue; then it is dead-lettered. Both what a consumer
  ///    put back and what it lost count, as in RabbitMQ's quorum queues; with x-millrace-isolate-suspects only the
  ///    latter),
  ///  x-millrace-dedup-window (ms) and x-millrace-dedup-max (ids kept): a message whose message-id property was taken
  ///    in within the window is dropped, across restarts, in the same commit. A message that returns by dead-lettering
  ///    or expiry is not a repeat,
  ///  x-millrace-isolate-suspects (bool): a message whose consumer was lost while holding it is delivered only to a
  ///    consumer that holds nothing else, and alone, so that one poison message does not use up its neighbours' tries,
  ///  x-millrace-ordered (bool): messages with one key (OrderBy) go out one at a time, in order, the next one when it
  ///    is on disk that the one before it has left; those of other keys, or without one, go on. What returns keeps its
  ///    place. A message's expiration is the time before which it does not go out. One that is published with an
  ///    expiration and the header x-millrace-place of a delivery, in the transaction that acknowledges that delivery,
  ///    takes its place: its key waits for it.
  amqp::FieldTable arguments;
};

struct QueueStatus {
  std::string name;
  std::uint64_t ready = 0;      ///< waiting for a consumer
  std::uint64_t unsettled = 0;  ///< out with consumers
  std::uint64_t arriving = 0;   ///< on the way to disk; not yet `ready`
  std::uint64_t delayed = 0;    ///< of `ready`: waiting for their time (ordered queues)
  std::uint32_t consumers = 0;
  std::uint64_t published_total = 0;  ///< taken in since the queue was made (durable queues: across restarts)
  std::uint64_t settled_total = 0;    ///< acknowledged since then
  std::uint64_t purged_total = 0;     ///< since the start: thrown away by a purge
  std::uint64_t put_back_total = 0;   ///< ordered queues: how often one took its own place again; since the start
};

/// By what an ordered queue orders a message.
struct OrderKey {
  std::optional<std::string> key;  ///< none: it waits for no other, and none for it
  std::string failure = {};        ///< why there is none; its consumer reads it in the header x-millrace-order-failure
};
/// Nullopt: the queue is not one that it knows; then the text in the message's header x-millrace-key is the key.
/// It has to be the same each time that it is asked for a message.
using OrderBy = std::function<std::optional<OrderKey>(const std::string& queue, const Message& message)>;

/// How fast a queue's messages go out, beside what its consumers can take. As a queue is made, nothing holds it.
struct Gate {
  static constexpr std::uint64_t unlimited = ~std::uint64_t{0};
  std::uint64_t out_max = unlimited;  ///< with consumers at once
  std::uint64_t credit = unlimited;   ///< that may yet go out; counts down
  bool probing = false;               ///< what goes out is to find out whether it can be taken at all
};

struct Delivery {
  DeliveryId id;
  ConsumerId consumer;
  MessagePtr message;
  bool redelivered = false;
  std::uint32_t lost_count =
      0;                 ///< how often a consumer was lost while holding it; "x-delivery-count" header for AMQP clients
  bool probing = false;  ///< Gate::probing; "x-millrace-probe" header for AMQP clients
  std::uint64_t place = 0;  ///< in an ordered queue, else 0; "x-millrace-place" header for AMQP clients
};

/// A message that waits in a queue.
struct Waiting {
  std::uint64_t number = 0;  ///< the order of all messages; it stays the same as long as the message is there
  MessagePtr message;
};

/// Where a consumer's deliveries go; implemented by the AMQP session and by in-process users. Called on the loop, never
/// from inside a call that the consumer itself makes into the broker.
class ConsumerSink {
 public:
  virtual ~ConsumerSink() = default;
  /// False while prefetch or back-pressure forbids more; call Broker::resume(consumer) when that changes.
  virtual bool ready() const = 0;
  virtual void deliver(Delivery delivery) = 0;
  /// The broker ended the consumer: its queue was deleted.
  virtual void cancelled(ConsumerId consumer) = 0;
};

struct ConsumerSpec {
  bool no_ack = false;
  bool exclusive = false;
  amqp::FieldTable arguments;  ///< x-priority: consumers of higher priority are served first
};

enum class Settle { ack, reject, requeue };

struct Settlement {
  DeliveryId delivery;
  Settle how = Settle::ack;
};

/// What takes effect together: all of it is in one log record, or none of it. An autocommit publish or ack is a Batch
/// of one; tx.commit is a Batch of what the transaction gathered.
struct Batch {
  std::vector<MessagePtr> publishes;
  std::vector<Settlement> settlements;
  /// One queue that is full and rejects (x-overflow) refuses it all, with precondition_failed. False: the publishes are
  /// independent of each other, and Accepted::rejected names those.
  bool whole = true;
};

struct Accepted {
  /// Indexes into Batch::publishes that no queue took (basic.return if mandatory). Repeats dropped by a dedup window
  /// count as routed.
  std::vector<std::size_t> unroutable;
  /// Indexes of those that a full queue with x-overflow reject-publish did not take (basic.nack to a publisher with
  /// confirms); other queues may have.
  std::vector<std::size_t> rejected;
  /// Indexes of those that every queue dropped as a repeat within its dedup window.
  std::vector<std::size_t> repeated;
};

enum class SessionEnd {
  clean,  ///< closed in order: its unsettled deliveries return, nothing is counted against them
  lost,   ///< socket gone without close: each of them gets one more in lost_count
};

/// The exchanges and queues of flows, whoever keeps them: the embedded Broker, or RabbitMQ (rabbitmq::Queues). What the
/// platform needs of them; `queues` are known by their names.
///
/// Guarantees: a `durable` callback with Done means that all of it is on stable storage where it is kept; what was
/// published is delivered at least once. The embedded one makes a batch all or nothing across crashes, and its answers
/// say at once what became of it; RabbitMQ's does what its class comment says. Thread: one loop; not thread-safe.
class Queues {
 public:
  virtual ~Queues() = default;

  // Sessions.
  virtual SessionId begin_session() = 0;
  /// Ends consumers, exclusive queues and open deliveries of the session.
  virtual void end_session(SessionId session, SessionEnd how) = 0;

  // Topology. Declarations of durable things are durable when `durable`, which may be empty, is called.
  using Durable = std::function<void(Status)>;
  virtual Answer<Done> declare_exchange(SessionId session, const ExchangeSpec& spec, Durable durable) = 0;
  virtual Answer<QueueStatus> declare_queue(SessionId session, const QueueSpec& spec, Durable durable) = 0;
  Answer<Done> bind_queue(SessionId session, const std::string& queue, const std::string& exchange,
                          const std::string& key, const amqp::FieldTable& arguments, Durable durable) {
    return bind(session, {exchange, queue, false, key, arguments}, std::move(durable));
  }
  /// Binds or unbinds; what is so already is no error, nor is unbinding what is not there.
  virtual Answer<Done> bind(SessionId session, const BindingSpec& spec, Durable durable) = 0;
  /// How many messages went with it.
  virtual Answer<std::uint64_t> delete_queue(SessionId session, const std::string& queue, bool if_unused, bool if_empty,
                                             Durable durable) = 0;
  virtual Answer<Done> delete_exchange(SessionId session, const std::string& exchange, bool if_unused,
                                       Durable durable) = 0;
  virtual Answer<std::uint64_t> purge_queue(SessionId session, const std::string& queue, Durable durable) = 0;
  /// What the dedup windows of `sources` have taken in counts as taken in by `queue` too, from now on and across
  /// restarts: for a queue that takes their place. Without effect where it has no window.
  virtual Answer<Done> inherit_window(SessionId session, const std::string& queue,
                                      const std::vector<std::string>& sources, Durable durable) = 0;

  // Messages.
  /// `durable` may be empty where nobody waits (an ack outside a transaction); it is called on the loop, never from
  /// inside commit(). A failed sync gives an Error, and then every later commit that publishes, or has a `durable` and
  /// something to store, is refused with that reason.
  virtual Answer<Accepted> commit(SessionId session, const Batch& batch, Durable durable) = 0;
  virtual Answer<Done> consume(SessionId session, const std::string& queue, const ConsumerSpec& spec,
                               ConsumerSink& sink, ConsumerId& id) = 0;
  /// Stops deliveries; what the consumer holds stays out until it is settled or the session ends.
  virtual void cancel(ConsumerId consumer) = 0;
  /// `wanted` is called, on the loop, when a queue has messages and no consumer; again when it gets more.
  virtual void watch_demand(std::function<void(const std::string& queue)> wanted) = 0;
  /// What comes to this queue, which is not durable, is from now on told to `told` instead, within the commit that
  /// brings it: for what is only to be counted, at the moment at which the commit counts. queues() leaves it out.
  virtual void tap(std::string_view queue, std::function<void(const Message&)> told) = 0;
  /// What makes the keys of ordered queues.
  virtual void order_by(OrderBy order_by) = 0;
  /// From now on the queue's consumers get no more than this allows; basic.get is not held. Not kept across restarts.
  virtual void set_gate(std::string_view queue, const Gate& gate) = 0;
  /// As it stands now; nothing if there is no such queue.
  virtual std::optional<Gate> gate(std::string_view queue) const = 0;

  // Looking.
  virtual std::vector<QueueStatus> queues() const = 0;
  virtual std::optional<QueueStatus> queue(std::string_view name) const = 0;
  /// Up to `count` ready messages from `offset`, oldest first, without taking them; as far as they can be looked at.
  virtual Answer<std::vector<MessagePtr>> peek(std::string_view queue, std::size_t offset, std::size_t count) const = 0;
  /// The message of a queue that keeps the last one only (x-max-length 1); nullptr if it has none, or there is no such
  /// queue. `found` may be called at once. Error::unavailable: whoever keeps it cannot be asked now.
  using Last = std::function<void(Result<MessagePtr>)>;
  virtual void last(const std::string& queue, Last found) = 0;
  /// `fresh` is called, perhaps at once, when queue() tells how these stood at some moment after this call.
  virtual void refresh(const std::vector<std::string>& queues, std::function<void()> fresh) = 0;

  /// Whether totals are exact and taps are told, so that books can be kept of what passes.
  virtual bool keeps_books() const = 0;

  /// Stores what is open and stops taking anything; `closed` is called when that is done.
  virtual void close(std::function<void(Status)> closed) = 0;

 protected:
  Queues() = default;
  Queues(const Queues&) = default;
  Queues& operator=(const Queues&) = default;
};

}  // namespace millrace::broker
