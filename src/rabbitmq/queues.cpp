#include "rabbitmq/queues.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/log.hpp"
#include "core/together.hpp"
#include "rabbitmq/arguments.hpp"

namespace millrace::rabbitmq {
namespace {

using amqp::MethodId;
using broker::Answer;

constexpr std::uint16_t topology_channel = 1;
constexpr std::uint16_t publishing_channel = 2;
constexpr std::uint16_t counting_channel = 3;
constexpr std::uint16_t consuming_channel = 4;
constexpr std::uint16_t dead_letter_channel = 5;

constexpr std::chrono::seconds count_interval{1};
/// A queue that has had messages this lately may have one with a worker that has not said so yet.
constexpr std::chrono::milliseconds hindsight{2'500};
constexpr std::chrono::seconds closing_time_max{5};
constexpr std::string_view dead_letter_suffix = ".dead-letters";

/// Tells `durable`, which may be empty, what a call came to.
Calls::Answered tells(broker::Queues::Durable durable) {
  return [durable = std::move(durable)](const Result<Calls::Answer>& answer) {
    if (durable) durable(answer ? Status(Done{}) : Status(answer.error()));
  };
}

}  // namespace

Queues::Queues(io::posix::AsioLoop& loop, store::Store& store, const amqp::client::BrokerUri& uri,
               const std::string& name, Hooks hooks)
    : loop_(loop),
      hooks_(std::move(hooks)),
      connection_(loop, uri, name,
                  {[this] { opened(); }, [this](const Error& why) { lost(why); },
                   [this](const std::optional<std::string>& reason) {
                     blocked_ = reason;
                     if (reason) log::warning("RabbitMQ takes no messages", {{"reason", *reason}});
                     hold_what_must_wait();
                   }}),
      topology_(connection_, topology_channel),
      publisher_(loop, connection_, publishing_channel),
      counting_(connection_, counting_channel),
      consumers_(loop, connection_, consuming_channel),
      dead_letter_consumers_(loop, connection_, dead_letter_channel),
      last_values_(store),
      dead_letters_(loop, dead_letter_consumers_, hooks_.dead_letter),
      since_(loop.wall_now()) {
  connection_.add_channel(topology_channel, topology_);
  connection_.add_channel(publishing_channel, publisher_);
  connection_.add_channel(counting_channel, counting_);
  connection_.add_channel(consuming_channel, consumers_);
  connection_.add_channel(dead_letter_channel, dead_letter_consumers_);
  topology_.begin_with([this] { declare_transient(); }, [this] { bind_transient(); });
  topology_.when_idle([this] { hold_what_must_wait(); });
  hold_what_must_wait();
  connection_.open();
  wait_to_count();
}

Queues::~Queues() {
  *alive_ = false;
  loop_.cancel(count_timer_);
}

void Queues::opened() {
  log::info("RabbitMQ is reached", {});
  trouble_.clear();
  since_ = loop_.wall_now();
}

void Queues::lost(const Error& why) {
  log::warning("RabbitMQ is not reached: what is published waits", {{"reason", why.message}});
  dead_letters_.end_all();
  trouble_ = why.message;
  since_ = loop_.wall_now();
}

Queues::State Queues::state() const {
  return {connection_.is_open(), blocked_.value_or(trouble_), since_, publisher_.waiting()};
}

/// Nothing is published or read while what it would come to is still being declared.
void Queues::hold_what_must_wait() {
  const bool declaring = !topology_.idle();
  consumers_.allow(!declaring);
  dead_letter_consumers_.allow(!declaring);
  if (blocked_) return publisher_.hold(blocked_);
  publisher_.hold(declaring ? std::optional<std::string>("queues are being declared in RabbitMQ") : std::nullopt);
}

/// There is nothing to be said to RabbitMQ.
void Queues::tell_soon(Durable durable) {
  if (durable) loop_.post([durable = std::move(durable)] { durable(Done{}); });
}

Answer<Done> Queues::declare_exchange(broker::SessionId, const broker::ExchangeSpec& spec, Durable durable) {
  topology_.make(amqp::exchange::Declare{.exchange = spec.name,
                                         .type = spec.type,
                                         .durable = spec.durable,
                                         .auto_delete = spec.auto_delete,
                                         .internal = spec.internal,
                                         .arguments = spec.arguments},
                 MethodId::exchange_declare_ok, tells(std::move(durable)));
  hold_what_must_wait();
  return Done{};
}

Answer<broker::QueueStatus> Queues::declare_queue(broker::SessionId, const broker::QueueSpec& spec, Durable durable) {
  auto& known = known_[spec.name];
  known.spec = spec;
  const auto place = place_of(spec);
  if (place == Place::store || place == Place::nowhere) {
    tell_soon(std::move(durable));
    return status_of(spec.name, known);
  }
  topology_.make(amqp::queue::Declare{.queue = spec.name,
                                      .durable = place == Place::rabbitmq,
                                      .exclusive = place == Place::connection,
                                      .arguments = arguments_of(spec)},
                 MethodId::queue_declare_ok,
                 [this, name = spec.name, durable = std::move(durable)](const Result<Calls::Answer>& answer) {
                   const auto found = known_.find(name);
                   if (answer && found != known_.end()) {
                     found->second.ready = answer->messages;
                     found->second.consumers = answer->consumers;
                   }
                   if (durable) durable(answer ? Status(Done{}) : Status(answer.error()));
                 });
  hold_what_must_wait();
  return status_of(spec.name, known);
}

Answer<Done> Queues::bind(broker::SessionId, const broker::BindingSpec& spec, Durable durable) {
  const auto known = known_.find(spec.destination);
  if (known == known_.end()) {
    return broker::Refusal{amqp::ReplyCode::not_found, fmt::format("no queue {}", spec.destination)};
  }
  bound_[{spec.source, spec.key}].insert(spec.destination);
  const auto place = place_of(known->second.spec);
  if (place == Place::store || place == Place::nowhere) {
    tell_soon(std::move(durable));
    return Done{};
  }
  bind_in_rabbitmq(spec, std::move(durable));
  return Done{};
}

void Queues::bind_in_rabbitmq(const broker::BindingSpec& spec, Durable durable) {
  topology_.make(
      amqp::queue::Bind{
          .queue = spec.destination, .exchange = spec.source, .routing_key = spec.key, .arguments = spec.arguments},
      MethodId::queue_bind_ok, tells(std::move(durable)));
  hold_what_must_wait();
}

/// Of the queues that RabbitMQ has forgotten with the last connection.
void Queues::each_transient(const std::function<void(const std::string& name)>& visit) {
  for (const auto& [name, known] : known_) {
    if (place_of(known.spec) == Place::connection) visit(name);
  }
}

void Queues::declare_transient() {
  each_transient([this](const std::string& name) {
    topology_.make(amqp::queue::Declare{.queue = name, .exclusive = true}, MethodId::queue_declare_ok, nullptr);
  });
}

void Queues::bind_transient() {
  each_transient([this](const std::string& name) {
    for (const auto& [source, queues] : bound_) {
      if (queues.contains(name)) bind_in_rabbitmq({source.first, name, false, source.second, {}}, nullptr);
    }
  });
}

Answer<std::uint64_t> Queues::delete_queue(broker::SessionId, const std::string& queue, bool if_unused, bool if_empty,
                                           Durable durable) {
  const auto found = known_.find(queue);
  if (found == known_.end()) return broker::Refusal{amqp::ReplyCode::not_found, fmt::format("no queue {}", queue)};
  // RabbitMQ has no such conditions for quorum queues: they hold for what was counted last (refresh).
  if ((if_empty && found->second.ready > 0) || (if_unused && found->second.consumers > 0)) {
    return broker::Refusal{amqp::ReplyCode::precondition_failed, fmt::format("queue {} is in use", queue)};
  }
  const auto place = place_of(found->second.spec);
  const auto messages = found->second.ready;
  known_.erase(found);
  for (auto& [source, queues] : bound_) queues.erase(queue);
  std::erase_if(bound_, [](const auto& entry) { return entry.second.empty(); });
  consumers_.remove_queue(queue);
  dead_letter_consumers_.remove_queue(queue);
  if (place == Place::store) {
    last_values_.remove(queue, std::move(durable));
  } else if (place == Place::nowhere) {
    tell_soon(std::move(durable));
  } else {
    topology_.make(amqp::queue::Delete{.queue = queue}, MethodId::queue_delete_ok, tells(std::move(durable)));
    hold_what_must_wait();
  }
  return messages;
}

Answer<Done> Queues::delete_exchange(broker::SessionId, const std::string& exchange, bool, Durable durable) {
  std::erase_if(bound_, [&](const auto& entry) { return entry.first.first == exchange; });
  topology_.make(amqp::exchange::Delete{.exchange = exchange}, MethodId::exchange_delete_ok, tells(std::move(durable)));
  hold_what_must_wait();
  return Done{};
}

Answer<std::uint64_t> Queues::purge_queue(broker::SessionId, const std::string& queue, Durable durable) {
  const auto found = known_.find(queue);
  if (found == known_.end()) return broker::Refusal{amqp::ReplyCode::not_found, fmt::format("no queue {}", queue)};
  const auto messages = std::exchange(found->second.ready, 0);
  if (place_of(found->second.spec) == Place::store) {
    last_values_.remove(queue, std::move(durable));
  } else {
    topology_.make(amqp::queue::Purge{.queue = queue}, MethodId::queue_purge_ok, tells(std::move(durable)));
  }
  return messages;
}

Answer<Done> Queues::inherit_window(broker::SessionId, const std::string&, const std::vector<std::string>&,
                                    Durable durable) {
  tell_soon(std::move(durable));
  return Done{};
}

/// The queue whose last value the message becomes.
std::optional<std::string> Queues::last_value_queue(const broker::Message& message) const {
  const auto is_one = [&](const std::string& name) {
    const auto known = known_.find(name);
    return known != known_.end() && place_of(known->second.spec) == Place::store;
  };
  if (message.exchange.empty()) {
    return is_one(message.routing_key) ? std::optional(message.routing_key) : std::nullopt;
  }
  const auto bound = bound_.find({message.exchange, message.routing_key});
  if (bound == bound_.end()) return std::nullopt;
  const auto found = std::ranges::find_if(bound->second, is_one);
  return found == bound->second.end() ? std::nullopt : std::optional(*found);
}

Answer<broker::Accepted> Queues::commit(broker::SessionId, const broker::Batch& batch, Durable durable) {
  if (publisher_.waiting() + batch.publishes.size() > waiting_max || publisher_.waiting_bytes() > waiting_bytes_max) {
    return broker::Refusal{amqp::ReplyCode::resource_error, fmt::format("{} messages wait for RabbitMQ already ({})",
                                                                        publisher_.waiting(), publisher_.reason())};
  }
  std::vector<broker::MessagePtr> messages;
  std::optional<std::pair<std::string, broker::MessagePtr>> value;
  for (const auto& message : batch.publishes) {
    if (auto queue = last_value_queue(*message)) {
      value.emplace(std::move(*queue), message);
    } else {
      messages.push_back(message);
    }
  }
  auto published = [this, alive = alive_, settlements = batch.settlements,
                    durable = std::move(durable)](const Status& status) {
    if (!*alive) return;
    if (status) {
      for (const auto& settlement : settlements) consumers_.settle(settlement);
    }
    if (durable) durable(status);
  };
  if (value) {
    publish_with(value->first, value->second, messages, std::move(published));
  } else {
    publish(messages, patience, std::move(published));
  }
  return broker::Accepted{};
}

void Queues::publish(const std::vector<broker::MessagePtr>& messages,
                     std::optional<std::chrono::milliseconds> give_up_after, std::function<void(Status)> published) {
  if (messages.empty()) return loop_.post([published = std::move(published)] { published(Done{}); });
  const auto one = together(messages.size(), std::move(published));
  for (const auto& message : messages) {
    publisher_.publish(message, give_up_after, [this, one, message](const Status& status) {
      if (status) came(*message);
      one(status);
    });
  }
}

void Queues::publish_with(const std::string& queue, const broker::MessagePtr& value,
                          const std::vector<broker::MessagePtr>& messages, Durable durable) {
  last_values_.put(queue, value, messages, hooks_.fence ? hooks_.fence(queue) : std::nullopt,
                   [this, alive = alive_, queue, messages,
                    durable = std::move(durable)](const Result<std::int64_t>& revision) mutable {
                     if (!*alive) return;
                     if (!revision) return durable(revision.error());
                     if (messages.empty()) return durable(Done{});
                     publish(messages, std::nullopt,
                             [this, queue, revision = *revision, durable = std::move(durable)](const Status& status) {
                               if (status) last_values_.published(queue, revision);
                               durable(status);
                             });
                   });
}

/// A message is on its queues: whoever waits for that need not wait for the next count.
void Queues::came(const broker::Message& message) {
  const auto bound = bound_.find({message.exchange, message.routing_key});
  if (bound == bound_.end()) return;
  const auto names = bound->second;
  for (const auto& name : names) {
    const auto known = known_.find(name);
    if (known == known_.end()) continue;
    known->second.ready = std::max<std::uint64_t>(1, known->second.ready);
    known->second.had_messages = loop_.steady_now();
    if (known->second.consumers == 0 && wanted_) wanted_(name);
  }
}

void Queues::last(const std::string& queue, Last found) {
  const auto known = known_.find(queue);
  if (known == known_.end()) return found(broker::MessagePtr());
  last_values_.find(queue, [this, alive = alive_, queue, found = std::move(found)](Result<LastValues::Found> kept) {
    if (!*alive) return;
    if (!kept) return found(kept.error());
    if (kept->pending.empty()) return found(kept->value);
    log::info("what was committed before is published now",
              {{"queue", queue}, {"messages", std::to_string(kept->pending.size())}});
    publish(kept->pending, std::nullopt,
            [this, queue, value = kept->value, revision = kept->revision, found](const Status& status) {
              if (!status) return found(status.error());
              last_values_.published(queue, revision);
              found(value);
            });
  });
}

Answer<Done> Queues::consume(broker::SessionId, const std::string& queue, const broker::ConsumerSpec& spec,
                             broker::ConsumerSink& sink, broker::ConsumerId& id) {
  const auto known = known_.find(queue);
  if (known == known_.end()) return broker::Refusal{amqp::ReplyCode::not_found, fmt::format("no queue {}", queue)};
  id = broker::ConsumerId{++last_consumer_};
  if (place_of(known->second.spec) != Place::nowhere) consumers_.add(id, queue, spec.no_ack, sink);
  return Done{};
}

void Queues::cancel(broker::ConsumerId consumer) {
  consumers_.remove(consumer);
}

broker::QueueStatus Queues::status_of(const std::string& name, const Known& known) const {
  broker::QueueStatus status;
  status.name = name;
  status.ready = known.ready;
  status.consumers = known.consumers;
  if (name.ends_with(dead_letter_suffix)) {
    if (hooks_.dead_letters)
      status.ready += hooks_.dead_letters(name.substr(0, name.size() - dead_letter_suffix.size()));
    return status;
  }
  if (hooks_.work) {
    const auto work = hooks_.work(name);
    status.unsettled = work.in_work;
    status.settled_total = work.settled_total;
    status.published_total = work.published_total.value_or(work.settled_total + known.ready + work.in_work);
  }
  const bool had_some = known.had_messages != io::SteadyTime{} && loop_.steady_now() - known.had_messages < hindsight;
  if (had_some && known.consumers > 0 && known.ready == 0) {
    status.unsettled = std::max<std::uint64_t>(1, status.unsettled);
  }
  return status;
}

std::vector<broker::QueueStatus> Queues::queues() const {
  std::vector<broker::QueueStatus> all;
  for (const auto& [name, known] : known_) {
    if (place_of(known.spec) != Place::connection) all.push_back(status_of(name, known));
  }
  return all;
}

std::optional<broker::QueueStatus> Queues::queue(std::string_view name) const {
  const auto known = known_.find(name);
  return known == known_.end() ? std::nullopt : std::optional(status_of(known->first, known->second));
}

void Queues::wait_to_count() {
  count_timer_ = loop_.after(count_interval, [this] { count(); });
}

void Queues::count() {
  count_timer_ = 0;
  std::vector<std::string> names;
  for (const auto& [name, known] : known_) {
    if (place_of(known.spec) == Place::rabbitmq) names.push_back(name);
  }
  count_all(names, [this] {
    std::vector<std::string> unread;
    for (const auto& [name, known] : known_) {
      if (known.ready > 0 && known.consumers == 0) unread.push_back(name);
    }
    for (const auto& name : unread) {
      if (wanted_) wanted_(name);
      if (!name.ends_with(dead_letter_suffix)) continue;
      dead_letters_.begin(broker::ConsumerId{++last_consumer_}, name.substr(0, name.size() - dead_letter_suffix.size()),
                          name);
    }
    wait_to_count();
  });
}

/// Twice, as RabbitMQ counts 0 while a quorum queue has no leader.
void Queues::refresh(const std::vector<std::string>& queues, std::function<void()> fresh) {
  count_all(queues, [this, queues, fresh = std::move(fresh)] {
    std::map<std::string, std::uint64_t> ready;
    for (const auto& name : queues) {
      if (const auto known = known_.find(name); known != known_.end()) ready[name] = known->second.ready;
    }
    loop_.after(count_interval, [this, alive = alive_, queues, ready = std::move(ready), fresh] {
      if (!*alive) return;
      count_all(queues, [this, ready, fresh] {
        for (const auto& [name, before] : ready) {
          if (const auto known = known_.find(name); known != known_.end()) {
            known->second.ready = std::max(known->second.ready, before);
          }
        }
        fresh();
      });
    });
  });
}

void Queues::count_all(const std::vector<std::string>& names, std::function<void()> counted) {
  if (names.empty()) {
    return loop_.post([alive = alive_, counted = std::move(counted)] {
      if (*alive) counted();
    });
  }
  const auto one = together(names.size(), [counted = std::move(counted)](const Status&) { counted(); });
  for (const auto& name : names) count(name, [one] { one(Done{}); });
}

void Queues::count(const std::string& name, std::function<void()> counted) {
  counting_.make(amqp::queue::Declare{.queue = name, .passive = true}, MethodId::queue_declare_ok,
                 [this, name, counted = std::move(counted)](const Result<Calls::Answer>& answer) {
                   if (const auto known = known_.find(name); known != known_.end()) {
                     known->second.ready = answer ? answer->messages : 0;
                     known->second.consumers = answer ? answer->consumers : 0;
                     if (known->second.ready > 0) known->second.had_messages = loop_.steady_now();
                   }
                   counted();
                 });
}

void Queues::close(std::function<void(Status)> closed) {
  loop_.cancel(std::exchange(count_timer_, 0));
  struct Closing {
    std::function<void(Status)> closed;
    io::TimerId timer = 0;
  };
  auto closing = std::make_shared<Closing>(Closing{std::move(closed)});
  const auto finish = [this, closing] {
    if (!closing->closed) return;
    loop_.cancel(closing->timer);
    connection_.close([closed = std::exchange(closing->closed, nullptr)] { closed(Done{}); });
  };
  if (publisher_.waiting() == 0) return finish();
  publisher_.when_idle(finish);
  closing->timer = loop_.after(closing_time_max, finish);
}

}  // namespace millrace::rabbitmq
