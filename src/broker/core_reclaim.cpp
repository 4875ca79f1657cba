// Disk space: which segments are still needed, and moving what keeps an old one alive.
#include <map>

#include "broker/core.hpp"
#include "core/log.hpp"

namespace millrace::broker {

void Broker::Core::need(std::uint32_t segment, std::uint32_t count, std::uint64_t bytes) {
  auto& live = live_[segment];
  if (live.count == 0) empty_segments_.erase(segment);
  live.count += count;
  live.bytes += bytes;
}

void Broker::Core::release(const Change::Gone& gone) {
  const auto live = live_.find(gone.segment);
  if (live == live_.end()) return;
  live->second.count -= std::min<std::uint64_t>(live->second.count, gone.count);
  live->second.bytes -= std::min(live->second.bytes, gone.bytes);
  if (live->second.count > 0) return;
  live_.erase(live);
  empty_segments_.insert(gone.segment);
}

/// A segment goes when a start needs neither its messages nor its records.
void Broker::Core::collect_garbage() {
  while (!empty_segments_.empty() && log->is_removable(*empty_segments_.begin())) {
    log->remove(*empty_segments_.begin());
    empty_segments_.erase(empty_segments_.begin());
  }
  // Looked at only when the log has grown a little: it costs a look at every segment.
  const auto size = log->segments().size();
  if (moving_ || (size >= judged_size_ && size < judged_size_ + limits.segment_size / 16)) return;
  judged_size_ = size;
  if (const auto segment = wasteful_segment()) move_out_of(*segment);
}

/// Space is short. A segment goes only when two newer ones have begun; on a small disk they might never become full.
void Broker::Core::reclaim_early() {
  std::uint64_t unneeded = 0;
  for (const auto& [segment, file] : log->segments().all()) unneeded += live_.contains(segment) ? 0 : file.size;
  if (unneeded > limits.segment_size / 16 && !log->stalled() && !log->failure()) log->end_segment_early();
}

/// One of which less than half is needed, while the log as a whole is much larger than what is needed of it.
std::optional<std::uint32_t> Broker::Core::wasteful_segment() const {
  constexpr std::uint64_t entry_cost = 128;  // bytes of a message in the log beside its properties and body
  const auto& segments = log->segments();
  if (segments.all().size() <= 4 || segments.size() < 4 * limits.segment_size) return std::nullopt;
  std::uint64_t needed = 0;
  std::optional<std::uint32_t> emptiest;
  std::uint64_t least = 0;
  for (const auto& [number, live] : live_) {
    const auto bytes = live.bytes + live.count * entry_cost;
    needed += bytes;
    if ((emptiest && bytes >= least) || unmovable_.contains(number)) continue;
    const auto segment = segments.all().find(number);
    if (segment == segments.all().end() || !log->is_removable(number) || bytes > segment->second.size / 2) continue;
    emptiest = number;
    least = bytes;
  }
  return segments.size() > 2 * needed + 4 * limits.segment_size ? emptiest : std::nullopt;
}

/// Messages on their way from one segment to the current one.
struct Broker::Core::Move {
  struct Target {
    Queue* queue;
    Entry entry;
    Entry* out;  ///< where it is out with a consumer
  };
  std::map<std::uint32_t, std::vector<Target>> by_offset;  ///< one stored message may lie in several queues
  std::string items;
  std::vector<std::pair<std::uint32_t, std::size_t>> moved;  ///< offset there, offset in `items`
  Change damaged;                                            ///< what cannot be read leaves
};

void Broker::Core::gather(Move& move, std::uint32_t segment) {
  for (const auto& [name, queue] : queues) {
    if (!queue->logged) continue;
    for (const auto& backlog : queue->backlogs()) {
      auto* part = backlog->find(segment);
      if (part != nullptr && !part->is_loaded()) (void)load(*backlog, *part);
      part = backlog->find(segment);
      if (part == nullptr || !part->is_loaded()) continue;
      for (const auto& entry : part->entries()) {
        if (!entry.gone) move.by_offset[entry.at.offset].push_back({queue.get(), entry, nullptr});
      }
    }
  }
  outstanding.each([&](Outstanding& it) {
    if (it.entry.at.segment != segment) return;
    move.by_offset[it.entry.at.offset].push_back({find_queue(it.queue), it.entry, &it.entry});
  });
}

void Broker::Core::drop_damaged(Move& move, std::uint32_t offset) {
  for (const auto& target : move.by_offset[offset]) {
    if (target.out != nullptr) continue;  // its consumer has it
    if (const auto entry = take_waiting(*target.queue, target.entry))
      leave(move.damaged, *target.queue, *entry, storage::Left::damaged);
  }
}

void Broker::Core::write_moved(Move& move) {
  constexpr std::size_t items_max = 8u << 20;  // bytes of one move
  for (auto& [offset, targets] : move.by_offset) {
    if (move.items.size() > items_max) break;
    const auto at = targets.front().entry.at;
    const auto stored = log->read(at);
    if (!stored) {
      log::error("message_unreadable", {{"segment", std::to_string(at.segment)},
                                        {"offset", std::to_string(offset)},
                                        {"reason", stored.error().message}});
      log->quarantine(at);
      drop_damaged(move, offset);
      continue;
    }
    auto item = *stored;
    item.targets.clear();
    item.id.reset();
    item.moved_from = at;
    for (const auto& target : targets) {
      item.targets.push_back(
          {target.queue->id, target.entry.lost_count, 0, target.entry.priority, target.entry.expires_at});
    }
    move.moved.emplace_back(offset, move.items.size());
    storage::encode(move.items, item);
  }
}

void Broker::Core::move_out_of(std::uint32_t segment) {
  Move move;
  gather(move, segment);
  write_moved(move);
  if (!move.damaged.items.empty()) submit(std::move(move.damaged), false, {});
  if (move.items.empty()) {
    unmovable_.insert(segment);
    return;
  }
  moving_ = true;
  auto gone = std::make_shared<std::vector<Change::Gone>>();
  auto places = std::make_shared<std::map<storage::Position, storage::Position>>();
  const auto at = log->append(std::move(move.items), false, [this, gone, places](const Status& status) {
    moving_ = false;
    judged_size_ = 0;
    if (!status) {
      unmoved_.merge(*places);
      return;
    }
    for (const auto& it : *gone) release(it);
    collect_garbage();
  });
  for (const auto& [old_offset, item_offset] : move.moved) {
    places->emplace(storage::Position{at.segment, at.offset + static_cast<std::uint32_t>(item_offset)},
                    storage::Position{segment, old_offset});
    for (auto& target : move.by_offset[old_offset]) {
      auto entry = target.entry;
      gone->push_back({segment, 1, entry.size});
      entry.at = {at.segment, at.offset + static_cast<std::uint32_t>(item_offset)};
      need(at.segment, 1, entry.size);
      auto& backlog = target.queue->backlog(entry.priority);
      if (target.out != nullptr) {
        target.out->at = entry.at;
        target.out->gap = true;
        if (auto* part = backlog.find(at.segment)) part->isolate_next();
        continue;
      }
      if (!take_waiting(*target.queue, target.entry)) continue;
      ++target.queue->ready;
      target.queue->ready_bytes += entry.size;
      watch_expiry(backlog, backlog.put_back(std::move(entry), *this, true));
    }
  }
}

}  // namespace millrace::broker
