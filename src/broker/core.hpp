#pragma once

#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "amqp/properties.hpp"
#include "broker/broker.hpp"
#include "broker/deliveries.hpp"
#include "broker/exchange/exchange.hpp"
#include "broker/queue/queue.hpp"
#include "storage/log.hpp"

namespace millrace::broker {

/// Everything that one commit changes: the record's items, and what happens when they are durable.
struct Change {
  struct Arrival {
    std::uint32_t queue;
    Entry entry;
    std::size_t item_offset;  ///< of its message item in `items`; logged entries only
    bool logged;
    bool republished = false;  ///< from another queue: a dead letter
  };
  struct Gone {
    std::uint32_t segment;
    std::uint32_t count;
    std::uint64_t bytes;
  };
  /// A message that takes the place of one that was with a consumer (core_order).
  struct Replacement {
    std::uint32_t queue;
    std::string key;
    Entry entry;
    std::size_t item_offset;
    storage::Position was_at;
    std::optional<storage::Position> now_at = {};
  };
  struct Freed {
    std::uint32_t queue;
    std::string key;
  };
  /// Makes room for what a batch will bring.
  void reserve(const Batch& batch);

  std::string items;
  std::vector<Arrival> arrivals;  ///< become visible
  bool topology = false;          ///< it declares, deletes or binds something durable
  std::vector<Gone> gone;         ///< no longer needed in the log
  std::vector<Replacement> replacements;
  std::vector<Freed> freed;  ///< keys of ordered queues; once it is durable their next messages may go out
};

/// The state of a Broker and what happens to it. Split by meaning: core_exchanges, core_topology, core_commit,
/// core_failed, core_settle, core_deliver, core_order, core_expire, core_recover, core_replay, core_checkpoint,
/// core_reclaim, core_residents.
///
/// Between two operations what is in memory is what all records appended so far make, also those that are not yet
/// durable: so a checkpoint can be written between any two. What a record adds is hidden until it is durable
/// (Backlog::arrived); what it takes away still holds its segment until then (Change::gone).
class Broker::Core : private PartSource {
 public:
  Core(io::Loop& loop, io::Disk& disk, io::Offload& offload, Limits limits);
  ~Core();

  // core_recover.cpp
  Status recover();

  // core_exchanges.cpp
  Answer<Done> declare_exchange(const ExchangeSpec& spec, Durable durable);
  Answer<Done> delete_exchange(const std::string& name, bool if_unused, Durable durable);
  Answer<Done> bind(SessionId session, const BindingSpec& spec, bool bound, Durable durable);
  Exchange* find_exchange(std::string_view name);

  // core_topology.cpp
  Answer<QueueStatus> declare_queue(SessionId session, const QueueSpec& spec, Durable durable);
  Answer<std::uint64_t> delete_queue(SessionId session, const std::string& name, bool if_unused, bool if_empty,
                                     Durable durable);
  Answer<std::uint64_t> purge(SessionId session, const std::string& name, Durable durable);
  Answer<Done> inherit_window(SessionId session, const std::string& name, const std::vector<std::string>& sources,
                              Durable durable);
  /// With the time each was taken in (ms since the Unix epoch), oldest first.
  using TakenIds = std::vector<std::pair<storage::Digest, std::uint64_t>>;
  TakenIds ids_taken_by(SessionId session, const std::vector<std::string>& names);
  /// The queue, or why this session cannot have it.
  Answer<Queue*> open_queue(SessionId session, std::string_view name);
  Queue* find_queue(std::string_view name);
  Queue* find_queue(std::uint32_t id);
  void remove_queue(Queue& queue);
  /// The queue was used: its x-expires begins anew.
  void touch(Queue& queue);

  // core_commit.cpp
  Answer<Accepted> commit(SessionId session, const Batch& batch, Durable durable);
  void end_session(SessionId session, SessionEnd how);
  /// Writes the change; when it is durable, applies it and calls `durable`.
  void submit(Change change, bool urgent, Durable durable);

  // core_failed.cpp
  void tell(Durable durable);
  /// Why nothing can be stored any more, if so.
  std::optional<Refusal> refuse_storing() const;

  // core_deliver.cpp
  Answer<Done> consume(SessionId session, const std::string& queue, const ConsumerSpec& spec, ConsumerSink& sink,
                       ConsumerId& id);
  void cancel(ConsumerId id);
  void resume(ConsumerId id);
  Answer<std::optional<Delivery>> get(SessionId session, const std::string& queue, bool no_ack);
  Answer<Done> browse(std::string_view queue, std::uint64_t after, const std::function<bool(const Waiting&)>& visit);
  Answer<std::vector<Delivery>> take(SessionId session, std::string_view queue,
                                     const std::vector<std::uint64_t>& numbers);
  Answer<std::vector<MessagePtr>> peek(std::string_view queue, std::size_t offset, std::size_t count);
  /// Looks soon whether the queue's consumers can have more.
  void kick(Queue& queue);

  // core_reclaim.cpp
  void collect_garbage();

  std::uint64_t now() const { return static_cast<std::uint64_t>(loop.wall_now().time_since_epoch().count()); }

  struct Consumer {
    SessionId session;
    std::uint32_t queue = 0;
    ConsumerSink* sink = nullptr;
    bool no_ack = false;
    bool exclusive = false;
    std::int64_t priority = 0;
    std::uint32_t holds = 0;
    bool holds_suspect = false;
  };
  io::Loop& loop;
  io::Disk& disk;
  io::Offload& offload;
  const Limits limits;
  std::unique_ptr<storage::Log> log;

  std::map<std::string, std::unique_ptr<Exchange>, std::less<>> exchanges;
  std::map<std::string, std::unique_ptr<Queue>, std::less<>> queues;
  std::unordered_map<std::uint32_t, Queue*> queues_by_id;
  std::unordered_map<ConsumerId, Consumer> consumers;
  Deliveries outstanding;
  Residents residents;
  std::uint64_t last_session = 0;
  std::optional<std::string> publishing_held;                         ///< why nothing is taken in
  std::function<void(const std::string& queue)> demand;               ///< Broker::watch_demand
  std::map<std::uint32_t, std::function<void(const Message&)>> taps;  ///< by queue
  OrderBy order_by;                                                   ///< Broker::order_by

 private:
  // core_exchanges.cpp
  std::vector<Queue*> route(const Message& message) const;
  Answer<Destination> destination(SessionId session, const BindingSpec& spec);
  static bool is_durable(const Destination& to);
  /// Removes the bindings to what goes; returns the auto-delete exchanges that have none left.
  std::vector<std::string> forget_destination(const Destination& to);
  void add_default_exchanges();

  // core_topology.cpp
  void purge_all(Change& change, Queue& queue);

  // core_commit.cpp
  struct Taken {
    bool routed = true;     ///< some queue takes it, or would; repeats within a dedup window count
    bool rejected = false;  ///< a full queue does not
    bool repeated = false;  ///< every queue has it already
  };
  /// Adds a message to the change.
  Taken publish(Change& change, const MessagePtr& message);
  /// A message that comes from `source`: never a repeat, and not into a queue that it has gone round to.
  bool republish(Change& change, const MessagePtr& message, const std::vector<std::string>& not_into);
  /// When a message expires, by its properties: ms since the Unix epoch; 0: never.
  std::uint64_t expiry_of(const amqp::PropertyGlance& glance);
  void lay_in(Change& change, const MessagePtr& message, const Result<amqp::PropertyGlance>& glance,
              const std::vector<Queue*>& to, const std::optional<storage::Digest>& id);
  void applied(Change& change);
  void arrive(Queue& queue, const Change::Arrival& arrival);
  std::optional<Refusal> refuse_publishing(const Batch& batch);
  std::optional<Refusal> refuse_for_space(const Batch& batch);
  std::uint64_t free_space();

  // core_failed.cpp
  /// It would take off what the log has.
  bool settles_stored(const Batch& batch);
  /// What the change was to store was never there.
  void withdraw(Change& change);
  void go_on_unstored(Change& change);
  void arrive_unstored(Queue& queue, Change::Arrival& arrival);

  // core_settle.cpp
  void settle(Change& change, DeliveryId delivery, Settle how);
  void leave(Change& change, Queue& queue, const Entry& entry, storage::Left how);
  /// It returns, and that counts against its delivery limit.
  void return_counted(Change& change, DeliveryId delivery);
  /// One more return would be too many.
  bool is_last_return(DeliveryId delivery);
  Outstanding take_outstanding(DeliveryId delivery);
  void put_back(Change& change, Queue& queue, Entry entry);
  void drop_overflow(Change& change, Queue& queue);

  // core_expire.cpp
  /// Republishes a message that left `queue` to its dead-letter exchange, with x-death as RabbitMQ documents it.
  void dead_letter(Change& change, const Queue& queue, const Entry& entry, std::string_view reason);
  void watch_expiry(Backlog& backlog, Part& part);
  void expire_due();
  /// When the first of a part expires (ms since the Unix epoch), and the part: queue, priority, segment.
  using Expiries = std::set<std::tuple<std::uint64_t, std::uint32_t, std::uint8_t, std::uint32_t>>;
  Expiries::iterator next_expiry(std::uint64_t time);
  void expire_part(Change& change, Queue& queue, Backlog& backlog, Part& part, std::size_t count_max);
  void watch_use(Queue& queue);
  void set_expiry_timer();

  // core_deliver.cpp
  void pump(Queue& queue);
  Consumer* next_ready(Queue& queue, bool suspect, ConsumerId& id);
  bool may_have(const Consumer& consumer, bool suspect) const;
  /// A message of an ordered queue that may go out.
  struct Turn {
    std::string key;  ///< empty: it is nobody's turn
    std::string failure;
  };
  /// `turn`: in an ordered queue, whose it is.
  std::optional<Delivery> hand_out(Queue& queue, Entry entry, std::optional<Turn> turn, SessionId session,
                                   ConsumerId consumer, bool no_ack);
  /// nullptr if it is damaged; or, with read_later(), cannot be read now.
  MessagePtr message_of(const Entry& entry);

  // core_order.cpp
  OrderKey key_of(const Queue& queue, const Message& message) const;
  /// Nothing: the message may not go out yet. It is set aside; or, when too many are, returns to where it was.
  std::optional<Turn> turn_of(Queue& queue, Entry& entry);
  void begin_turn(Queue& queue, std::uint64_t number, Turn& turn, Delivery& delivery, bool no_ack);
  /// The delivery's message leaves the queue; its key is free when the change is durable.
  void end_turn(Change& change, Queue& queue, DeliveryId delivery);
  /// It returns to its place.
  void give_up_turn(Queue& queue, DeliveryId delivery, std::uint64_t number);
  void free_keys(const Change& change);
  /// A waiting message has left otherwise than by a consumer's word.
  void left_unsettled(Queue& queue, std::uint64_t number);
  void set_aside(Queue& queue, Entry entry, const std::string& key);
  /// If nothing of the key is at work, the first of its messages that were set aside returns, or its time is awaited.
  void next_of_key(Queue& queue, const std::string& key);
  /// All that was set aside returns.
  void order_anew(Queue& queue);
  /// All waiting messages in order, also those that were set aside.
  void walk(Queue& queue, const std::function<bool(const Entry&)>& visit);
  /// The delivery whose place a message of the batch takes.
  std::optional<DeliveryId> replaced_by(SessionId session, const Batch& batch, const Message& message);
  /// Which of the batch's publishes do so. They come first in the record: Part::isolate_next() holds for what is
  /// behind them.
  std::set<std::size_t> replace_some(Change& change, SessionId session, const Batch& batch);
  void replace(Change& change, DeliveryId delivery, const MessagePtr& message);
  void lay_in_places(Change& change, storage::Position at);
  /// The storage has failed: in the log the messages still stand where they were.
  void leave_in_places(Change& change);
  void set_wake_timer();
  void wake_keys();

  // core_recover.cpp
  void adopt_backlog(Queue& queue, Backlog& backlog);

  // core_replay.cpp
  void replay(storage::Position at, std::uint64_t written_at, const storage::Item& item);
  void replay_message(storage::Position at, std::uint64_t written_at, const storage::MessageItem& item);
  void replay_topology(const storage::Item& item);
  void replay_part(const storage::PartItem& item);
  void replay_purge(const storage::PurgedItem& item);
  Part* find_part(const storage::Place& place);
  static void forget(Queue& queue, const storage::Place& place);

  // core_checkpoint.cpp
  using OutBySegment = std::map<std::tuple<std::uint32_t, std::uint8_t, std::uint32_t>, std::vector<const Entry*>>;
  /// What is out with consumers, by queue, priority and segment.
  OutBySegment out_by_segment() const;
  std::string checkpoint() const;
  void state_parts(std::string& items) const;
  storage::SegmentIndex index(std::uint32_t segment) const;

  // core_reclaim.cpp
  void need(std::uint32_t segment, std::uint32_t count, std::uint64_t bytes);
  void release(const Change::Gone& gone);
  std::optional<std::uint32_t> wasteful_segment() const;
  void reclaim_early();
  void move_out_of(std::uint32_t segment);
  struct Move;
  void gather(Move& move, std::uint32_t segment);
  void write_moved(Move& move);
  void drop_damaged(Move& move, std::uint32_t offset);

  // core_residents.cpp
  Result<std::vector<Entry>> read(const Backlog& backlog, const Part& part) override;
  bool load(Backlog& backlog, Part& part) override;
  /// The disk does not let us read now (too many open files): all queues are looked at again a little later.
  void read_later();
  /// Takes a waiting message out, wherever it stands; nothing if it cannot be had.
  std::optional<Entry> take_waiting(Queue& queue, const Entry& entry);
  void unload_some(const Part* except);

  struct Live {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::uint32_t, Live> live_;      ///< by segment: entries that stand there
  std::set<std::uint32_t> empty_segments_;  ///< in which none do
  std::set<std::uint32_t> unmovable_;       ///< segments of which nothing can be moved
  bool moving_ = false;
  std::uint64_t judged_size_ = 0;  ///< bytes of the log when it was last looked at for waste
  std::uint64_t unload_at_ = 0;    ///< entries in memory

  bool topology_lost_ = false;  ///< the storage failed while something of it was under way
  /// It failed while messages were being moved: where they were to be → where they still are.
  std::map<storage::Position, storage::Position> unmoved_;

  std::uint64_t next_number_ = 1;
  std::uint32_t next_queue_ = 1;
  std::uint64_t next_consumer_ = 1;
  std::uint64_t unsettled_ids_ = 0;  ///< of deliveries that nobody will settle
  /// Parts in which something expires: (when at the earliest, queue, priority, segment).
  Expiries expiries_;
  /// Keys that wait for their first message's time: (when, queue, key).
  std::set<std::tuple<std::uint64_t, std::uint32_t, std::string>> wakes_;
  io::TimerId wake_timer_ = 0;
  std::uint64_t wake_timer_at_ = 0;
  io::TimerId read_timer_ = 0;  ///< reading fails for the time being
  io::TimerId expiry_timer_ = 0;
  std::uint64_t expiry_timer_at_ = 0;
  std::uint64_t space_checked_at_ = 0;
  std::uint64_t space_checked_size_ = 0;                                  ///< of the log
  std::uint64_t free_space_ = std::numeric_limits<std::uint64_t>::max();  ///< as of then
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  friend class Broker;
};

}  // namespace millrace::broker
