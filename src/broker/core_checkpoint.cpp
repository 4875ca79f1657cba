// What the log restates: everything at the beginning of a segment, and at its end which messages stand in it.
#include "broker/core.hpp"
#include "broker/table_bytes.hpp"

namespace millrace::broker {

Broker::Core::OutBySegment Broker::Core::out_by_segment() const {
  OutBySegment out;
  outstanding.each([&](const Outstanding& it) {
    if (it.entry.at.segment != 0) out[{it.queue, it.entry.priority, it.entry.at.segment}].push_back(&it.entry);
  });
  return out;
}

namespace {

/// What is out lies in its queue as far as the disk is concerned.
void add(storage::PartItem& item, const Entry& entry) {
  if (item.count == 0 || entry.number < item.number_min) item.number_min = entry.number;
  item.number_max = std::max(item.number_max, entry.number);
  ++item.count;
  item.bytes += entry.size;
  take_earlier(item.expires_first, entry.expires_at);
}

storage::PartItem stated(std::uint32_t queue, std::uint8_t priority, const Part& part) {
  return {queue,           priority,        part.segment,       part.count, part.bytes,
          part.number_min, part.number_max, part.expires_first, {}};
}

}  // namespace

void Broker::Core::state_parts(std::string& items) const {
  auto out = out_by_segment();
  const auto state = [&](storage::PartItem item, const Part& part, const std::vector<const Entry*>& also) {
    for (const auto* entry : also) add(item, *entry);
    // Messages that are not yet visible have not told their time.
    if (part.is_loaded()) {
      for (const auto& entry : part.entries()) {
        if (!entry.gone) take_earlier(item.expires_first, entry.expires_at);
      }
    }
    const auto runs = part.live(also).encode();
    item.runs = runs;
    if (item.count > 0) storage::encode(items, item);
  };
  for (const auto& [name, queue] : queues) {
    if (!queue->logged) continue;
    for (const auto& backlog : queue->backlogs()) {
      for (const auto& part : backlog->parts()) {
        const auto also = out.extract({queue->id, backlog->priority, part->segment});
        state(stated(queue->id, backlog->priority, *part), *part, also ? also.mapped() : std::vector<const Entry*>());
      }
    }
  }
  for (const auto& [key, entries] : out) {
    const Part nothing(std::get<2>(key));
    state(stated(std::get<0>(key), std::get<1>(key), nothing), nothing, entries);
  }
}

storage::SegmentIndex Broker::Core::index(std::uint32_t segment) const {
  storage::SegmentIndex index;
  index.segment = segment;
  if (const auto found = log->segments().all().find(segment); found != log->segments().all().end())
    index.segment_size = found->second.size;
  auto out = out_by_segment();
  for (const auto& [name, queue] : queues) {
    if (!queue->logged) continue;
    for (const auto& backlog : queue->backlogs()) {
      const auto* part = backlog->find(segment);
      if (part == nullptr || !part->is_loaded()) continue;
      const auto also = out.extract({queue->id, backlog->priority, segment});
      auto entries = part->index(also ? also.mapped() : std::vector<const Entry*>());
      if (!entries.empty()) index.groups.push_back({queue->id, backlog->priority, std::move(entries)});
    }
  }
  for (const auto& [key, entries] : out) {
    if (std::get<2>(key) != segment) continue;
    index.groups.push_back({std::get<0>(key), std::get<1>(key), Part(segment).index(entries)});
  }
  std::sort(index.groups.begin(), index.groups.end(), [](const auto& a, const auto& b) {
    return std::pair(a.queue, a.priority) < std::pair(b.queue, b.priority);
  });
  return index;
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
  state_parts(items);
  return items;
}

}  // namespace millrace::broker
