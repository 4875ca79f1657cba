#include "storage/log.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "core/check.hpp"
#include "core/log.hpp"
#include "storage/bytes.hpp"
#include "storage/record.hpp"

namespace millrace::storage {

Log::Log(io::Loop& loop, io::Disk& disk, io::Offload& offload, Settings settings)
    : loop_(loop), disk_(disk), offload_(offload), settings_(settings) {}

Log::~Log() {
  *alive_ = false;
  loop_.cancel(lazy_);
}

Result<std::unique_ptr<Log>> Log::open(io::Loop& loop, io::Disk& disk, io::Offload& offload, Settings settings,
                                       const Replay& replay) {
  const auto names = disk.list();
  if (!names) return names.error();
  std::map<std::uint32_t, std::string> found;
  for (const auto& name : *names) {
    if (const auto number = segment_number(name)) found.emplace(*number, name);
  }
  // What another process has written and not synced can be read, and could be gone tomorrow.
  if (auto synced = disk.sync_folder(); !synced) return synced.error();
  auto log = std::unique_ptr<Log>(new Log(loop, disk, offload, settings));
  const auto tail = log->settle_tail(found);
  if (!tail) return tail.error();
  for (const auto& [number, name] : found) {
    if (auto replayed = log->replay_segment(name, number, replay, number >= *tail); !replayed) return replayed.error();
    log->current_ = number;
  }
  return log;
}

Status Log::begin(Checkpoint checkpoint) {
  checkpoint_ = std::move(checkpoint);
  return start_segment();
}

Status Log::start_segment() {
  const std::uint32_t number = current_ + 1;
  auto file = disk_.open(segment_name(number), io::Disk::Open::create_new);
  if (!file) return file.error();
  current_ = number;
  auto& segment = segments_[number];
  segment.file = std::move(*file);
  folder_changed_ = true;
  pending_.push_back({segment.file, 0, segment_header(number)});
  segment.size = segment_header_size;
  write_record(RecordType::checkpoint, checkpoint_());
  checkpoint_end_ = segment.size;
  return Done{};
}

/// Only between two operations of the caller: a checkpoint in the midst of one would tell of half of it.
void Log::end_full_segment() {
  const auto transactions = segments_.at(current_).size - checkpoint_end_;
  if (failure_ || transactions < settings_.segment_size || transactions < checkpoint_end_) return;
  if (auto started = start_segment(); !started) fail(started.error());
}

Position Log::write_record(RecordType type, std::string_view items) {
  auto& segment = segments_.at(current_);
  if (pending_.empty() || pending_.back().file != segment.file) pending_.push_back({segment.file, segment.size, {}});
  const auto written_at = static_cast<std::uint64_t>(loop_.wall_now().time_since_epoch().count());
  append_record(pending_.back().bytes, {type, static_cast<std::uint32_t>(items.size()), current_, written_at}, items);
  const Position at{current_, static_cast<std::uint32_t>(segment.size + record_header_size)};
  segment.size += record_header_size + items.size();
  return at;
}

Position Log::append(std::string_view items, bool urgent, Applied applied) {
  MILLRACE_CHECK(items.size() % alignment == 0 && items.size() < record_size_max, "items are padded and bounded");
  Position at;
  if (!failure_) at = write_record(RecordType::transaction, items);
  if (applied) waiting_.push_back(std::move(applied));
  if (urgent || failure_) {
    flush();
  } else if (lazy_ == 0) {
    lazy_ = loop_.after(lazy_delay, [this] {
      lazy_ = 0;
      flush();
    });
  }
  return at;
}

void Log::after_pending(Applied applied) {
  waiting_.push_back(std::move(applied));
  flush();
}

struct Log::Flush {
  std::vector<Write> writes;
  std::vector<Applied> waiting;
  bool sync_folder = false;
  std::uint32_t segment = 0;  ///< the last one written to
  Status status = Done{};
};

void Log::flush() {
  if (flushing_ || (pending_.empty() && waiting_.empty())) return;
  flushing_ = true;
  auto batch = std::make_shared<Flush>();
  batch->writes = std::exchange(pending_, {});
  batch->waiting = std::exchange(waiting_, {});
  batch->sync_folder = std::exchange(folder_changed_, false);
  batch->segment = current_;
  if (failure_) batch->status = *failure_;
  auto work = [batch, disk = &disk_] {
    for (std::size_t i = 0; i < batch->writes.size() && batch->status; ++i) {
      auto& write = batch->writes[i];
      batch->status = write.file->write_at(write.offset, write.bytes);
      const bool last_of_file = i + 1 == batch->writes.size() || batch->writes[i + 1].file != write.file;
      if (batch->status && last_of_file) batch->status = write.file->sync();
    }
    if (batch->status && batch->sync_folder) batch->status = disk->sync_folder();
  };
  offload_.run(std::move(work), [this, batch, alive = alive_] {
    if (!*alive) return;
    if (batch->status) durable_segment_ = batch->segment;
    flushed(batch->status, std::move(batch->waiting));
  });
}

void Log::flushed(Status status, std::vector<Applied> waiting) {
  flushing_ = false;
  if (!status && !failure_) fail(status.error());
  end_full_segment();
  const auto alive = alive_;
  for (auto& applied : waiting) {
    applied(failure_ ? Status(*failure_) : Status(Done{}));
    if (!*alive) return;
  }
  if (!waiting_.empty() || (!pending_.empty() && lazy_ == 0)) flush();
}

void Log::fail(const Error& error) {
  failure_ = error;
  log::error("storage_failed", {{"reason", error.message}, {"effect", "nothing more is accepted until the restart"}});
}

Result<std::pair<std::string, MessageItem>> Log::read(Position at) const {
  const auto segment = segments_.find(at.segment);
  if (segment == segments_.end()) return Error{Error::Kind::not_found, fmt::format("segment {} is gone", at.segment)};
  auto head = segment->second.file->read_at(at.offset, item_head_size);
  if (!head) return head.error();
  if (head->size() < item_head_size) return Error{Error::Kind::damaged, "an item is cut off"};
  auto bytes = segment->second.file->read_at(at.offset, item_size(*head));
  if (!bytes) return bytes.error();
  auto item = decode_item(*bytes);
  if (!item) return item.error();
  auto* message = std::get_if<MessageItem>(&*item);
  if (message == nullptr) return Error{Error::Kind::damaged, "no message stands there"};
  // The views point into the bytes, which move with the pair without being copied: a record's item is never short
  // enough to be stored inside the string object.
  std::pair<std::string, MessageItem> result(std::move(*bytes), std::move(*message));
  return result;
}

std::uint32_t Log::oldest_segment() const {
  return segments_.begin()->first;
}

std::uint64_t Log::size() const {
  std::uint64_t total = 0;
  for (const auto& [number, segment] : segments_) total += segment.size;
  return total;
}

void Log::remove_oldest() {
  const auto oldest = segments_.begin();
  MILLRACE_CHECK(oldest->first < durable_segment_, "what a segment restates is durable before the one before it goes");
  auto name = segment_name(oldest->first);
  segments_.erase(oldest);
  // Each removal is durable before the next: a settlement never goes before the message that it settles.
  auto work = [name = std::move(name), disk = &disk_, stopped = removals_stopped_] {
    if (*stopped) return;
    auto removed = disk->remove(name);
    if (removed) removed = disk->sync_folder();
    if (removed) return;
    *stopped = true;
    log::warning("segment_not_removed", {{"reason", removed.error().message}});
  };
  offload_.run(std::move(work), [] {});
}

}  // namespace millrace::storage
