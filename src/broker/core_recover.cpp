#include "amqp/properties.hpp"
#include "broker/core.hpp"
#include "broker/table_bytes.hpp"
#include "core/log.hpp"

namespace millrace::broker {

Broker::Core::Core(io::Loop& the_loop, io::Disk& the_disk, io::Offload& the_offload, Limits the_limits)
    : loop(the_loop), disk(the_disk), offload(the_offload), limits(the_limits) {
  add_default_exchanges();
}

Broker::Core::~Core() {
  *alive_ = false;
  loop.cancel(expiry_timer_);
}

Status Broker::Core::recover() {
  auto opened = storage::Log::open(loop, disk, offload, {limits.segment_size},
                                   [this](storage::Position at, std::uint64_t written_at, const storage::Item& item) {
                                     replay(at, written_at, item);
                                   });
  if (!opened) return opened.error();
  log = std::move(*opened);
  if (auto begun = log->begin([this] { return checkpoint(); }); !begun) return begun.error();
  for (const auto& [name, queue] : queues) {
    for (const auto& [number, entry] : queue->ready) {
      need(entry);
      if (entry.expires_at != 0) expiries_.emplace(entry.expires_at, queue->id, number);
    }
    drop_overflow(*queue);
    touch(*queue);
  }
  set_expiry_timer();
  return Done{};
}

void Broker::Core::replay(storage::Position at, std::uint64_t written_at, const storage::Item& item) {
  if (const auto* message = std::get_if<storage::MessageItem>(&item)) return replay_message(at, written_at, *message);
  if (const auto* settled = std::get_if<storage::SettledItem>(&item)) {
    auto* queue = find_queue(settled->queue);
    if (queue == nullptr) return;
    forget_entry(*queue, settled->number);
    if (settled->how == storage::Left::acknowledged) ++queue->settled_total;
  } else if (const auto* lost = std::get_if<storage::LostItem>(&item)) {
    auto* queue = find_queue(lost->queue);
    if (queue == nullptr) return;
    const auto entry = queue->ready.find(lost->number);
    if (entry == queue->ready.end()) return;
    entry->second.lost_count = lost->lost_count;
    entry->second.redelivered = true;
  } else if (const auto* taken = std::get_if<storage::TakenItem>(&item)) {
    if (auto* queue = find_queue(taken->queue)) queue->window.take(taken->id, taken->at);
  } else if (const auto* purged = std::get_if<storage::PurgedItem>(&item)) {
    auto* queue = find_queue(purged->queue);
    if (queue == nullptr) return;
    const std::set<std::uint64_t> except(purged->except.begin(), purged->except.end());
    while (!queue->ready.empty()) {
      auto entry = queue->ready.begin();
      while (entry != queue->ready.end() && except.contains(entry->first)) ++entry;
      if (entry == queue->ready.end() || entry->first > purged->number) break;
      queue->take(entry);
    }
  } else if (const auto* counters = std::get_if<storage::CountersItem>(&item)) {
    if (auto* queue = find_queue(counters->queue)) {
      queue->published_total = counters->published;
      queue->settled_total = counters->settled;
    }
  } else if (const auto* next = std::get_if<storage::NextIdsItem>(&item)) {
    next_number_ = std::max(next_number_, next->message);
    next_queue_ = std::max(next_queue_, next->queue);
  } else {
    replay_topology(item);
  }
}

void Broker::Core::forget_entry(Queue& queue, std::uint64_t number) {
  if (const auto entry = queue.ready.find(number); entry != queue.ready.end()) queue.take(entry);
}

void Broker::Core::replay_message(storage::Position at, std::uint64_t written_at, const storage::MessageItem& item) {
  next_number_ = std::max(next_number_, item.number + 1);
  for (const auto& target : item.targets) {
    auto* queue = find_queue(target.queue);
    if (queue == nullptr) continue;
    if (target.flags & storage::target_counted) ++queue->published_total;
    if (item.id && queue->window.open()) queue->window.take(*item.id, written_at);
    forget_entry(*queue, item.number);  // moved: it stands here now
    Entry entry;
    entry.number = item.number;
    entry.at = at;
    entry.size = static_cast<std::uint32_t>(item.properties.size() + item.body.size());
    entry.lost_count = target.lost_count;
    entry.redelivered = target.lost_count > 0;
    entry.expires_at = target.expires_at;
    if (queue->rules.priority_max > 0) {
      const auto glance = amqp::glance(item.properties);
      entry.priority = queue->priority_of(glance ? glance->priority : 0);
    }
    queue->put(std::move(entry));
  }
}

void Broker::Core::replay_topology(const storage::Item& item) {
  if (const auto* exchange = std::get_if<storage::ExchangeDeclaredItem>(&item)) {
    ExchangeSpec spec{std::string(exchange->name), std::string(exchange->type), true,
                      (exchange->flags & 1) != 0,  (exchange->flags & 2) != 0,  table_from(exchange->arguments)};
    exchanges.try_emplace(spec.name, std::make_unique<Exchange>(spec));
  } else if (const auto* no_exchange = std::get_if<storage::ExchangeDeletedItem>(&item)) {
    const auto found = exchanges.find(no_exchange->name);
    if (found == exchanges.end()) return;
    (void)forget_destination({nullptr, found->second.get()});
    exchanges.erase(found);
  } else if (const auto* declared = std::get_if<storage::QueueDeclaredItem>(&item)) {
    next_queue_ = std::max(next_queue_, declared->queue + 1);
    if (queues_by_id.contains(declared->queue)) return;
    QueueSpec spec;
    spec.name = declared->name;
    spec.auto_delete = (declared->flags & 1) != 0;
    spec.arguments = table_from(declared->arguments);
    auto rules = QueueRules::read(spec);
    auto queue = std::make_unique<Queue>(declared->queue, spec, rules ? *rules : QueueRules(), SessionId());
    queues_by_id[declared->queue] = queue.get();
    queues[spec.name] = std::move(queue);
  } else if (const auto* deleted = std::get_if<storage::QueueDeletedItem>(&item)) {
    auto* queue = find_queue(deleted->queue);
    if (queue == nullptr) return;
    for (const auto& [name, other] : exchanges) other->forget({queue, nullptr});
    const std::string name = queue->spec.name;
    queues_by_id.erase(deleted->queue);
    queues.erase(name);
  } else if (const auto* binding = std::get_if<storage::BindingItem>(&item)) {
    auto* source = find_exchange(binding->exchange);
    const Destination to{binding->to_exchange ? nullptr : find_queue(binding->queue),
                         binding->to_exchange ? find_exchange(binding->queue) : nullptr};
    if (source == nullptr || to == Destination()) return;
    const auto arguments = table_from(binding->arguments);
    if (binding->bound) {
      source->bind({to, std::string(binding->key), arguments});
    } else {
      source->unbind(to, binding->key, arguments);
    }
  }
}

}  // namespace millrace::broker
