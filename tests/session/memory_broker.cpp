// A broker that keeps everything in memory, for tests of what stands on it. Each durable callback takes the way through
// the Offload it was opened with, so a test holds it back; publishing is refused while the Disk has no free space.
#include <algorithm>
#include <deque>
#include <set>

#include "broker/broker.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

namespace {

struct Item {
  MessagePtr message;
  std::uint64_t order = 0;
  bool redelivered = false;
  std::uint32_t lost_count = 0;
};

struct MemoryQueue {
  QueueSpec spec;
  SessionId owner;
  std::deque<Item> ready;
  std::vector<ConsumerId> consumers;
  std::uint64_t out = 0;
};

struct MemoryConsumer {
  SessionId session;
  std::string queue;
  ConsumerSink* sink = nullptr;
  bool no_ack = false;
};

struct OutItem {
  SessionId session;
  std::string queue;
  Item item;
};

struct Binding {
  std::string exchange;
  std::string queue;
  std::string key;
  friend bool operator==(const Binding&, const Binding&) = default;
};

Refusal no_queue(std::string_view name) {
  return {ReplyCode::not_found, "no queue '" + std::string(name) + "' in vhost '/'"};
}

}  // namespace

class Broker::Core {
 public:
  Core(io::Loop& the_loop, io::Disk& the_disk, io::Offload& the_offload)
      : loop(the_loop), disk(the_disk), offload(the_offload) {
    for (std::string type : {"direct", "fanout", "topic", "headers"}) {
      ExchangeSpec& spec = exchanges["amq." + type];
      spec.name = "amq." + type;
      spec.type = type;
    }
  }

  void tell(Durable durable) {
    if (durable) offload.run([] {}, [durable] { durable(Done{}); });
  }

  void kick(const std::string& name) {
    loop.post([this, name, weak = std::weak_ptr<int>(alive)] {
      if (!weak.expired()) pump(name);
    });
  }

  void pump(const std::string& name) {
    auto found = queues.find(name);
    bool moved = found != queues.end();
    while (moved && !found->second.ready.empty()) {
      moved = false;
      for (ConsumerId id : std::vector<ConsumerId>(found->second.consumers)) {
        const MemoryConsumer& consumer = consumers.at(id);
        if (found->second.ready.empty() || !consumer.sink->ready()) continue;
        moved = true;
        Delivery delivery = take(found->second, consumer.session, consumer.no_ack);
        delivery.consumer = id;
        consumer.sink->deliver(std::move(delivery));
      }
    }
  }

  Delivery take(MemoryQueue& queue, SessionId session, bool no_ack) {
    Item item = std::move(queue.ready.front());
    queue.ready.pop_front();
    Delivery delivery{DeliveryId{++ids}, {}, item.message, item.redelivered, item.lost_count};
    if (!no_ack) {
      ++queue.out;
      out.emplace(delivery.id, OutItem{session, queue.spec.name, std::move(item)});
    }
    return delivery;
  }

  void give_back(OutItem entry, bool lost) {
    auto found = queues.find(entry.queue);
    if (found == queues.end()) return;
    --found->second.out;
    entry.item.redelivered = true;
    if (lost) ++entry.item.lost_count;
    auto& ready = found->second.ready;
    auto place = std::find_if(ready.begin(), ready.end(), [&](const Item& i) { return i.order > entry.item.order; });
    ready.insert(place, std::move(entry.item));
    kick(entry.queue);
  }

  std::set<std::string> route(const Message& message) const {
    std::set<std::string> to;
    if (message.exchange.empty()) {
      if (queues.contains(message.routing_key)) to.insert(message.routing_key);
      return to;
    }
    const bool all = exchanges.find(message.exchange)->second.type == "fanout";
    for (const Binding& b : bindings) {
      if (b.exchange == message.exchange && (all || b.key == message.routing_key)) to.insert(b.queue);
    }
    return to;
  }

  void remove_queue(const std::string& name) {
    auto found = queues.find(name);
    if (found == queues.end()) return;
    for (ConsumerId id : found->second.consumers) {
      ConsumerSink* sink = consumers.at(id).sink;
      consumers.erase(id);
      sink->cancelled(id);
    }
    std::erase_if(bindings, [&](const Binding& b) { return b.queue == name; });
    queues.erase(name);
  }

  io::Loop& loop;
  io::Disk& disk;
  io::Offload& offload;
  std::map<std::string, ExchangeSpec, std::less<>> exchanges;
  std::map<std::string, MemoryQueue, std::less<>> queues;
  std::vector<Binding> bindings;
  std::map<ConsumerId, MemoryConsumer> consumers;
  std::map<DeliveryId, OutItem> out;
  std::uint64_t ids = 0;
  std::shared_ptr<int> alive = std::make_shared<int>();
};

Broker::Broker(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Broker::~Broker() = default;

Result<std::unique_ptr<Broker>> Broker::open(io::Loop& loop, io::Disk& disk, io::Offload& offload, Limits) {
  return std::unique_ptr<Broker>(new Broker(std::make_unique<Core>(loop, disk, offload)));
}

SessionId Broker::begin_session() {
  return SessionId{++core_->ids};
}

void Broker::end_session(SessionId session, SessionEnd how) {
  const auto consumers = core_->consumers;
  for (const auto& [id, consumer] : consumers) {
    if (consumer.session == session) cancel(id);
  }
  for (auto it = core_->out.begin(); it != core_->out.end();) {
    if (it->second.session != session) {
      ++it;
      continue;
    }
    core_->give_back(std::move(it->second), how == SessionEnd::lost);
    it = core_->out.erase(it);
  }
  for (const QueueStatus& status : queues()) {
    const MemoryQueue& queue = core_->queues.at(status.name);
    if (queue.spec.exclusive && queue.owner == session) core_->remove_queue(status.name);
  }
}

Answer<Done> Broker::declare_exchange(SessionId, const ExchangeSpec& spec, Durable durable) {
  auto found = core_->exchanges.find(spec.name);
  if (found != core_->exchanges.end() && found->second.type != spec.type) {
    return Refusal{ReplyCode::precondition_failed, "exchange '" + spec.name + "' has another type"};
  }
  if (spec.name.starts_with("amq.")) return Refusal{ReplyCode::access_refused, "the name is reserved"};
  core_->exchanges.emplace(spec.name, spec);
  core_->tell(std::move(durable));
  return Done{};
}

Answer<QueueStatus> Broker::declare_queue(SessionId session, const QueueSpec& wanted, Durable durable) {
  QueueSpec spec = wanted;
  if (spec.name.empty()) spec.name = "amq.gen-" + std::to_string(++core_->ids);
  auto [found, fresh] = core_->queues.try_emplace(spec.name);
  MemoryQueue& queue = found->second;
  if (fresh) {
    queue.spec = spec;
    queue.owner = session;
  } else if (queue.spec.exclusive && queue.owner != session) {
    return Refusal{ReplyCode::resource_locked, "queue '" + spec.name + "' is another connection's"};
  } else if (queue.spec.durable != spec.durable) {
    return Refusal{ReplyCode::precondition_failed, "queue '" + spec.name + "' is declared otherwise"};
  }
  core_->tell(std::move(durable));
  return *this->queue(spec.name);
}

Answer<Done> Broker::bind(SessionId, const BindingSpec& spec, Durable durable) {
  if (!core_->queues.contains(spec.destination)) return no_queue(spec.destination);
  if (!core_->exchanges.contains(spec.source))
    return Refusal{ReplyCode::not_found, "no exchange '" + spec.source + "'"};
  core_->bindings.push_back({spec.source, spec.destination, spec.key});
  core_->tell(std::move(durable));
  return Done{};
}

Answer<Done> Broker::unbind(SessionId, const BindingSpec& spec, Durable durable) {
  std::erase(core_->bindings, Binding{spec.source, spec.destination, spec.key});
  core_->tell(std::move(durable));
  return Done{};
}

Answer<std::uint64_t> Broker::delete_queue(SessionId, const std::string& queue, bool if_unused, bool if_empty,
                                           Durable durable) {
  auto status = this->queue(queue);
  if (!status) return no_queue(queue);
  if ((if_unused && status->consumers) || (if_empty && status->ready)) {
    return Refusal{ReplyCode::precondition_failed, "queue '" + queue + "' is in use"};
  }
  core_->remove_queue(queue);
  core_->tell(std::move(durable));
  return status->ready;
}

Answer<Done> Broker::delete_exchange(SessionId, const std::string& exchange, bool, Durable durable) {
  core_->exchanges.erase(exchange);
  core_->tell(std::move(durable));
  return Done{};
}

Answer<std::uint64_t> Broker::purge_queue(SessionId, const std::string& queue, Durable durable) {
  auto found = core_->queues.find(queue);
  if (found == core_->queues.end()) return no_queue(queue);
  const std::uint64_t count = found->second.ready.size();
  found->second.ready.clear();
  core_->tell(std::move(durable));
  return count;
}

const ExchangeSpec* Broker::exchange(std::string_view name) const {
  static const ExchangeSpec default_exchange;
  if (name.empty()) return &default_exchange;
  auto found = core_->exchanges.find(name);
  return found == core_->exchanges.end() ? nullptr : &found->second;
}

Answer<QueueStatus> Broker::open_queue(SessionId, std::string_view name) const {
  auto status = queue(name);
  if (!status) return no_queue(name);
  return *status;
}

Answer<Accepted> Broker::commit(SessionId, const Batch& batch, Durable durable) {
  if (!batch.publishes.empty() && *core_->disk.free_space() == 0) {
    return Refusal{ReplyCode::resource_error, "the disk is full"};
  }
  Accepted accepted;
  for (std::size_t i = 0; i < batch.publishes.size(); ++i) {
    const auto to = core_->route(*batch.publishes[i]);
    if (to.empty()) accepted.unroutable.push_back(i);
    for (const std::string& name : to) {
      core_->queues.at(name).ready.push_back({batch.publishes[i], ++core_->ids, false, 0});
      core_->kick(name);
    }
  }
  for (const Settlement& settlement : batch.settlements) {
    auto entry = core_->out.extract(settlement.delivery);
    if (entry.empty()) continue;
    if (settlement.how == Settle::requeue) {
      core_->give_back(std::move(entry.mapped()), false);
    } else if (auto found = core_->queues.find(entry.mapped().queue); found != core_->queues.end()) {
      --found->second.out;
    }
  }
  core_->tell(std::move(durable));
  return accepted;
}

Answer<Done> Broker::consume(SessionId session, const std::string& queue, const ConsumerSpec& spec, ConsumerSink& sink,
                             ConsumerId& id) {
  auto found = core_->queues.find(queue);
  if (found == core_->queues.end()) return no_queue(queue);
  id = ConsumerId{++core_->ids};
  core_->consumers[id] = {session, queue, &sink, spec.no_ack};
  found->second.consumers.push_back(id);
  core_->kick(queue);
  return Done{};
}

void Broker::cancel(ConsumerId id) {
  auto consumer = core_->consumers.extract(id);
  if (consumer.empty()) return;
  auto found = core_->queues.find(consumer.mapped().queue);
  if (found != core_->queues.end()) std::erase(found->second.consumers, id);
}

void Broker::resume(ConsumerId id) {
  auto found = core_->consumers.find(id);
  if (found != core_->consumers.end()) core_->kick(found->second.queue);
}

Answer<std::optional<Delivery>> Broker::get(SessionId session, const std::string& queue, bool no_ack) {
  auto found = core_->queues.find(queue);
  if (found == core_->queues.end()) return no_queue(queue);
  if (found->second.ready.empty()) return std::optional<Delivery>{};
  return std::optional<Delivery>{core_->take(found->second, session, no_ack)};
}

std::vector<QueueStatus> Broker::queues() const {
  std::vector<QueueStatus> all;
  for (const auto& [name, queue] : core_->queues) all.push_back(*this->queue(name));
  return all;
}

const QueueSpec* Broker::queue_spec(std::string_view name) const {
  auto found = core_->queues.find(name);
  return found == core_->queues.end() ? nullptr : &found->second.spec;
}

std::optional<QueueStatus> Broker::queue(std::string_view name) const {
  auto found = core_->queues.find(name);
  if (found == core_->queues.end()) return std::nullopt;
  QueueStatus status;
  status.name = found->first;
  status.ready = found->second.ready.size();
  status.unsettled = found->second.out;
  status.consumers = static_cast<std::uint32_t>(found->second.consumers.size());
  return status;
}

// What no session asks for.
Answer<Done> Broker::inherit_window(SessionId, const std::string&, const std::vector<std::string>&, Durable) {
  return Refusal{ReplyCode::not_implemented, "no windows in memory"};
}
void Broker::watch_demand(std::function<void(const std::string& queue)>) {}
void Broker::tap(std::string_view, std::function<void(const Message&)>) {}
void Broker::order_by(OrderBy) {}
void Broker::set_gate(std::string_view, const Gate&) {}
std::optional<Gate> Broker::gate(std::string_view) const {
  return std::nullopt;
}
Answer<std::vector<MessagePtr>> Broker::peek(std::string_view, std::size_t, std::size_t) const {
  return Refusal{ReplyCode::not_implemented, "no looking into memory"};
}
void Broker::last(const std::string&, Last found) {
  found(MessagePtr());
}
void Broker::close(std::function<void(Status)> closed) {
  closed(Done{});
}

}  // namespace millrace::broker
