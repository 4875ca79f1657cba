#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "amqp/frame.hpp"
#include "broker/session/confirm_ledger.hpp"
#include "broker/session/consumer.hpp"
#include "broker/session/context.hpp"
#include "broker/session/delivery_ledger.hpp"
#include "broker/session/replies.hpp"

namespace millrace::broker {

/// One channel of a connection (AMQP 0-9-1 §1.5): takes its methods and contents, calls the broker, answers. A soft
/// error closes it: then everything is ignored until channel.close-ok. A hard error goes to Context::failed.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(Context& context, std::uint16_t number) : context_(context), number_(number), replies_(context.output) {}

  void open();
  void method(amqp::MethodId id, amqp::Reader& in);
  void content(const amqp::Frame& frame);
  /// Returns what is unsettled to its queues and ends the consumers, as closing does.
  void give_up();

  bool takes_input() const { return stage_ == Stage::open; }
  /// channel.close-ok came or was given: the number is free again.
  bool ended() const { return stage_ == Stage::ended && replies_.settled(); }
  std::size_t unsettled() const { return ledger_.size(); }
  /// No answer waits for the disk.
  bool settled() const { return replies_.settled(); }
  ChannelStatus status() const;

  // What the broker answers to operations that Context gathered.
  void refuse(const Refusal& refusal, amqp::MethodId method);
  void confirmed(std::uint64_t first, std::uint64_t count, bool stored);
  void give_back(const Message& message);

  // What consumers ask and tell.
  bool may_deliver(const Consumer& consumer) const;
  void deliver(Consumer& consumer, Delivery delivery);
  void cancelled(Consumer& consumer);
  /// There is room in the output again.
  void resume_consumers();
  /// Writes the confirms that have come together.
  void write_confirms();

 private:
  enum class Stage { open, closing, ended };
  enum class Mode { plain, confirm, transaction };
  struct Incoming {  // basic.publish until its content is whole
    bool mandatory = false;
    bool has_header = false;
    std::uint64_t body_size = 0;
    std::shared_ptr<Message> message;
  };
  struct Transaction {
    Batch batch;
    std::vector<bool> mandatory;   // of batch.publishes
    std::vector<Unsettled> taken;  // of batch.settlements, to put back on rollback
    std::size_t size = 0;          // bytes
  };
  using Handled = Answer<Done>;

  Handled dispatch(amqp::MethodId id, amqp::Reader& in);
  template <class Method, class Handler>
  Handled run(amqp::Reader& in, Handler handler);

  // channel_topology.cpp
  Handled declare_exchange(const amqp::exchange::Declare& method);
  Handled delete_exchange(const amqp::exchange::Delete& method);
  Handled declare_queue(const amqp::queue::Declare& method);
  Handled declare_queue_passively(const std::string& queue, bool no_wait);
  Handled bind_exchange(const amqp::exchange::Bind& method);
  Handled unbind_exchange(const amqp::exchange::Unbind& method);
  Handled bind_queue(const amqp::queue::Bind& method);
  Handled unbind_queue(const amqp::queue::Unbind& method);
  Handled purge_queue(const amqp::queue::Purge& method);
  Handled delete_queue(const amqp::queue::Delete& method);
  Answer<std::string> queue_name(std::string_view given) const;

  // channel_publish.cpp
  Handled publish(const amqp::basic::Publish& method);
  Handled begin_content(const amqp::Frame& frame);
  Handled add_body(std::string_view bytes);
  Handled finish_content();
  void drop_content();
  Handled select_confirms(const amqp::confirm::Select& method);
  Handled select_transactions();
  Handled commit_transaction();
  Handled rollback_transaction();
  void undo_transaction();

  // channel_consume.cpp
  Handled consume(const amqp::basic::Consume& method);
  Handled cancel(const amqp::basic::Cancel& method);
  Handled get(const amqp::basic::Get& method);
  Handled set_prefetch(const amqp::basic::Qos& method);
  Handled settle(std::uint64_t tag, bool multiple, Settle how);
  Handled recover(bool requeue, bool answer);
  Handled flow(bool active);
  void settle_one(Unsettled entry, Settle how);
  void count(const Delivery& delivery, bool no_ack);
  Answer<std::string> queue_of_replies(const amqp::basic::Consume& method);
  /// The consumer's place is free again.
  void release(const Unsettled& entry);
  bool counts_deliveries(const std::string& queue) const;
  void write_properties_and_body(std::string& out, const Delivery& delivery, bool tells_count);

  /// Calls the broker with a Durable, and answers what `call` gives once the disk has it; with `no_wait` nobody is
  /// answered.
  template <class Call>
  Handled ask(bool no_wait, Call call);
  void answered(Replies::Ticket ticket, const std::string& frames, const Status& status);
  /// Answers channel.close or channel.close-ok once the publishes before it are confirmed.
  void answer_last(std::string frames);
  Refusal not_permitted(std::string_view what, std::string_view name) const;

  Context& context_;
  const std::uint16_t number_;
  Stage stage_ = Stage::open;
  Mode mode_ = Mode::plain;
  Replies replies_;
  std::optional<Incoming> incoming_;
  std::map<std::string, std::shared_ptr<Consumer>, std::less<>> consumers_;
  DeliveryLedger ledger_;
  ConfirmLedger confirms_;
  Transaction transaction_;
  std::optional<std::pair<Replies::Ticket, std::string>> last_answer_;  // waits for confirms
  std::string reply_queue_;                                             // where direct replies come in
  std::string reply_tag_;                                               // of its consumer
  std::string last_queue_;                                              // the default of methods that name none
  std::uint16_t consumer_prefetch_ = 0;                                 // of consumers to come
  std::uint16_t channel_prefetch_ = 0;                                  // of all consumers together; 0: no limit
  std::uint32_t channel_unsettled_ = 0;                                 // of its consumers
  std::uint64_t consumers_made_ = 0;
  bool flow_stopped_ = false;
  bool confirms_noted_ = false;
};

}  // namespace millrace::broker
