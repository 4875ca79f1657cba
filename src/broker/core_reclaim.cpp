// Disk space: which segments are still needed, and moving what keeps an old one alive.
#include <map>

#include "broker/core.hpp"
#include "broker/table_bytes.hpp"
#include "core/log.hpp"

namespace millrace::broker {

void Broker::Core::need(const Entry& entry) {
  auto& live = live_[entry.at.segment];
  ++live.count;
  live.bytes += entry.size;
}

void Broker::Core::release(storage::Position at, std::uint32_t size) {
  if (at.segment == 0) return;
  const auto live = live_.find(at.segment);
  if (live == live_.end()) return;
  --live->second.count;
  live->second.bytes -= size;
}

/// Segments go oldest first: a settlement in a newer one must outlive the message it settles.
void Broker::Core::collect_garbage() {
  while (log->oldest_segment() < log->durable_segment()) {
    const auto live = live_.find(log->oldest_segment());
    if (live != live_.end() && live->second.count > 0) break;
    live_.erase(log->oldest_segment());
    log->remove_oldest();
  }
  std::uint64_t needed = 0;
  for (const auto& [segment, live] : live_) needed += live.bytes;
  const bool wasteful = log->segment_count() > 4 && log->size() > 4 * needed + 4 * limits.segment_size;
  if (wasteful && !moving_) move_oldest();
}

void Broker::Core::move_oldest() {
  constexpr std::size_t items_max = 8u << 20;  // bytes of one move
  const auto oldest = log->oldest_segment();
  std::map<std::uint64_t, std::vector<std::pair<Queue*, Entry*>>> by_number;
  for (const auto& [id, queue] : queues_by_id) {
    for (auto* entries : {&queue->ready, &queue->out}) {
      for (auto& [number, entry] : *entries) {
        if (entry.at.segment == oldest) by_number[number].emplace_back(queue, &entry);
      }
    }
  }
  struct Moved {
    std::uint32_t queue;
    std::uint64_t number;
    std::size_t offset;
    std::uint32_t size;
  };
  std::string items;
  std::vector<Moved> moved;
  for (auto& [number, places] : by_number) {
    if (items.size() > items_max) break;
    const auto stored = log->read(places.front().second->at);
    if (!stored) continue;
    auto item = stored->second;
    item.targets.clear();
    item.id.reset();
    for (const auto& [queue, entry] : places) {
      item.targets.push_back({queue->id, static_cast<std::uint16_t>(entry->lost_count), 0, entry->expires_at});
      moved.push_back({queue->id, number, items.size(), entry->size});
    }
    storage::encode(items, item);
  }
  if (items.empty()) return;
  moving_ = true;
  auto at = std::make_shared<storage::Position>();
  auto when_durable = [this, at, oldest, moved = std::move(moved)](Status status) {
    moving_ = false;
    if (!status) return;
    for (const auto& move : moved) {
      auto* queue = find_queue(move.queue);
      if (queue == nullptr) continue;
      for (auto* entries : {&queue->ready, &queue->out}) {
        const auto found = entries->find(move.number);
        if (found == entries->end() || found->second.at.segment != oldest) continue;
        release(found->second.at, found->second.size);
        found->second.at = {at->segment, at->offset + static_cast<std::uint32_t>(move.offset)};
        need(found->second);
      }
    }
    collect_garbage();
  };
  *at = log->append(items, false, std::move(when_durable));
}

std::string Broker::Core::checkpoint() const {
  std::string items;
  storage::encode(items, storage::NextIdsItem{next_number_, next_queue_});
  for (const auto& [name, exchange] : exchanges) {
    const auto& spec = exchange->spec();
    if (!spec.durable || name.empty() || name.starts_with("amq.")) continue;
    const auto arguments = table_bytes(spec.arguments);
    storage::encode(
        items, storage::ExchangeDeclaredItem{
                   name, spec.type, static_cast<std::uint8_t>((spec.auto_delete ? 1 : 0) | (spec.internal ? 2 : 0)),
                   arguments});
  }
  for (const auto& [name, queue] : queues) {
    if (!queue->logged) continue;
    const auto arguments = table_bytes(queue->spec.arguments);
    storage::encode(items, storage::QueueDeclaredItem{
                               queue->id, static_cast<std::uint8_t>(queue->spec.auto_delete ? 1 : 0), name, arguments});
    storage::encode(items, storage::CountersItem{queue->id, queue->published_total, queue->settled_total});
    for (const auto& [id, at] : queue->window.ids()) storage::encode(items, storage::TakenItem{queue->id, at, id});
  }
  for (const auto& [name, exchange] : exchanges) {
    if (!exchange->spec().durable) continue;
    for (const auto& binding : exchange->bindings()) {
      if (!is_durable(binding.to)) continue;
      const auto arguments = table_bytes(binding.arguments);
      const auto& to = binding.to.queue ? binding.to.queue->spec.name : binding.to.exchange->spec().name;
      storage::encode(items, storage::BindingItem{true, to, name, binding.key, arguments, binding.to.queue == nullptr});
    }
  }
  return items;
}

}  // namespace millrace::broker
