#include "broker/core.hpp"
#include "core/log.hpp"

namespace millrace::broker {

Broker::Core::Core(io::Loop& the_loop, io::Disk& the_disk, io::Offload& the_offload, Limits the_limits)
    : loop(the_loop), disk(the_disk), offload(the_offload), limits(the_limits), unload_at_(the_limits.entries_max) {
  add_default_exchanges();
}

Broker::Core::~Core() {
  *alive_ = false;
  loop.cancel(expiry_timer_);
  loop.cancel(read_timer_);
  loop.cancel(wake_timer_);
}

Status Broker::Core::recover() {
  auto opened = storage::Log::open(loop, disk, offload, {limits.segment_size, limits.lone_commits_min},
                                   [this](storage::Position at, std::uint64_t written_at, const storage::Item& item) {
                                     replay(at, written_at, item);
                                   });
  if (!opened) return opened.error();
  log = std::move(*opened);
  for (const auto& [name, queue] : queues) {
    for (const auto& backlog : queue->backlogs()) adopt_backlog(*queue, *backlog);
  }
  for (const auto& [segment, file] : log->segments().all()) {
    if (!live_.contains(segment)) empty_segments_.insert(segment);
  }
  storage::Log::Owner owner;
  owner.checkpoint = [this] { return checkpoint(); };
  owner.index = [this](std::uint32_t segment) {
    if (!live_.contains(segment)) empty_segments_.insert(segment);
    return index(segment);
  };
  if (auto begun = log->begin(std::move(owner)); !begun) return begun.error();
  for (const auto& [name, queue] : queues) {
    Change dropped;
    drop_overflow(dropped, *queue);
    if (!dropped.items.empty()) submit(std::move(dropped), false, {});
    touch(*queue);
  }
  set_expiry_timer();
  return Done{};
}

/// After the replay: what its parts come to.
void Broker::Core::adopt_backlog(Queue& queue, Backlog& backlog) {
  std::vector<Part*> lost;
  for (const auto& part : backlog.parts()) {
    part->settle();
    if (part->count > 0 && log->has(part->segment)) {
      queue.ready += part->count;
      queue.ready_bytes += part->bytes;
      need(part->segment, part->count, part->bytes);
      watch_expiry(backlog, *part);
      continue;
    }
    if (part->count > 0) {
      log::error("segment_missing", {{"segment", std::to_string(part->segment)},
                                     {"queue", queue.spec.name},
                                     {"messages", std::to_string(part->count)}});
    }
    lost.push_back(part.get());
  }
  for (const auto* part : lost) backlog.erase(*part);
}

}  // namespace millrace::broker
