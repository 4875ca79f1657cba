// What the log tells when it is opened: a checkpoint, and the records behind it.
#include "amqp/properties.hpp"
#include "broker/core.hpp"
#include "broker/table_bytes.hpp"

namespace millrace::broker {

void Broker::Core::replay(storage::Position at, std::uint64_t written_at, const storage::Item& item) {
  if (const auto* message = std::get_if<storage::MessageItem>(&item)) return replay_message(at, written_at, *message);
  if (const auto* settled = std::get_if<storage::SettledItem>(&item)) {
    auto* queue = find_queue(settled->place.queue);
    if (queue == nullptr) return;
    forget(*queue, settled->place);
    if (settled->how == storage::Left::acknowledged) ++queue->settled_total;
  } else if (const auto* lost = std::get_if<storage::LostItem>(&item)) {
    if (auto* part = find_part(lost->place)) (void)part->mark_lost(lost->place, lost->lost_count);
  } else if (const auto* taken = std::get_if<storage::TakenItem>(&item)) {
    if (auto* queue = find_queue(taken->queue)) queue->window.take(taken->id, taken->at);
  } else if (const auto* purged = std::get_if<storage::PurgedItem>(&item)) {
    replay_purge(*purged);
  } else if (const auto* part = std::get_if<storage::PartItem>(&item)) {
    replay_part(*part);
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

Part* Broker::Core::find_part(const storage::Place& place) {
  auto* queue = find_queue(place.queue);
  auto* backlog = queue == nullptr ? nullptr : queue->find_backlog(place.priority);
  return backlog == nullptr ? nullptr : backlog->find(place.at.segment);
}

void Broker::Core::forget(Queue& queue, const storage::Place& place) {
  auto* backlog = queue.find_backlog(place.priority);
  if (backlog != nullptr) backlog->forget(place);
}

void Broker::Core::replay_part(const storage::PartItem& item) {
  auto* queue = find_queue(item.queue);
  if (queue == nullptr) return;
  auto& backlog = queue->backlog(item.priority);
  if (backlog.find(item.segment) == nullptr) backlog.add(std::make_unique<Part>(item));
}

void Broker::Core::replay_purge(const storage::PurgedItem& item) {
  auto* queue = find_queue(item.queue);
  if (queue == nullptr) return;
  for (const auto& backlog : queue->backlogs()) backlog->keep_only(item.except);
}

void Broker::Core::replay_message(storage::Position at, std::uint64_t written_at, const storage::MessageItem& item) {
  next_number_ = std::max(next_number_, item.number + 1);
  for (const auto& target : item.targets) {
    auto* queue = find_queue(target.queue);
    if (queue == nullptr) continue;
    if (target.flags & storage::target_counted) ++queue->published_total;
    if (item.id && queue->window.open()) queue->window.take(*item.id, written_at);
    Entry entry;
    entry.number = item.number;
    entry.at = at;
    entry.size = static_cast<std::uint32_t>(item.properties.size() + item.body.size());
    entry.lost_count = target.lost_count;
    entry.redelivered = target.lost_count > 0;
    entry.expires_at = target.expires_at;
    entry.priority = target.priority;
    auto& backlog = queue->backlog(target.priority);
    if (item.moved_from) {
      auto place = entry.place(queue->id);
      place.at = *item.moved_from;
      backlog.forget(place);
      backlog.put_back(std::move(entry), *this, true);
    } else {
      backlog.append(entry);
      (void)backlog.arrived(entry);
    }
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
    auto queue = std::make_unique<Queue>(declared->queue, spec, rules ? *rules : QueueRules(), SessionId(), residents);
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
