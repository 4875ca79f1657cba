#include "storage/log.hpp"

#include <algorithm>
#include <chrono>
#include <random>

#include <fmt/format.h>

#include "core/check.hpp"
#include "core/log.hpp"
#include "storage/bytes.hpp"
#include "storage/record.hpp"

namespace millrace::storage {
namespace {

std::uint64_t new_salt() {
  std::random_device source;
  return (std::uint64_t{source()} << 32) | source();
}

}  // namespace

/// What one round writes and syncs.
struct Log::Flush {
  static constexpr std::uint64_t small_max = 64u << 10;

  std::vector<Write> writes;
  std::vector<Applied> waiting;
  bool sync_folder = false;
  std::uint32_t segment = 0;     ///< the last one written to
  std::uint64_t growth_min = 0;  ///< bytes that a segment grows by at a time
  Status status = Done{};

  bool is_small() const { return !sync_folder && writes.size() == 1 && writes.front().size() <= small_max; }

  /// Names come first: a spare file is a segment only when its new name is durable, and would otherwise be found after
  /// a power cut under the old one with what was written to it since.
  void work(io::Disk& disk) {
    if (sync_folder) status = disk.sync_folder();
    for (const auto& write : writes) {
      if (status) status = write.run(growth_min);
    }
  }
};

Log::Log(io::Loop& loop, io::Disk& disk, io::Offload& offload, Settings settings)
    : loop_(loop),
      disk_(disk),
      offload_(offload),
      settings_(settings),
      segments_(disk),
      spares_(disk, settings.segment_size),
      reader_(segments_) {}

Log::~Log() {
  *alive_ = false;
  loop_.cancel(lazy_);
  loop_.cancel(space_retry_);
}

Status Log::begin(Owner owner) {
  owner_ = std::move(owner);
  for (const auto segment : std::set<std::uint32_t>(unindexed_)) write_index(segment);
  return start_segment();
}

Result<Segments::Segment> Log::new_file(std::uint32_t number) {
  if (auto spare = spares_.take(number))
    return Segments::Segment{0, 0, std::move(spare->file), 0, std::make_shared<std::uint64_t>(spare->size)};
  auto file = disk_.open(segment_name(number), io::Disk::Open::create_new);
  if (!file) return file.error();
  return Segments::Segment{0, 0, std::move(*file), 0, std::make_shared<std::uint64_t>(0)};
}

Status Log::start_segment() {
  const std::uint32_t number = current_ + 1;
  auto begun = new_file(number);
  if (!begun) return begun.error();
  if (const auto* before = segments_.find(current_); before != nullptr && before->allocated) {
    write_to_current().end_segment();
  }
  current_ = number;
  salt_ = new_salt();
  segments_.add(number, std::move(*begun));
  folder_changed_ = true;
  write_record(segment_header({number, salt_}), RecordType::checkpoint, owner_.checkpoint());
  checkpoint_end_ = segments_.find(number)->size;
  return Done{};
}

/// Only between two operations of the owner: a checkpoint in the midst of one would tell of half of it.
void Log::end_full_segment() {
  const auto transactions = segments_.find(current_)->size - checkpoint_end_;
  const bool full = transactions >= settings_.segment_size && transactions >= checkpoint_end_;
  if (failure_ || !(full || std::exchange(ends_early_, false))) return;
  const auto ended = current_;
  if (auto started = start_segment(); started) {
    write_index(ended);
  } else if (started.error().kind != Error::Kind::no_space) {  // for want of space, this one grows
    fail(started.error());
  }
}

void Log::write_index(std::uint32_t segment) {
  store_index(owner_.index(segment));
}

void Log::store_index(const SegmentIndex& index) {
  const auto segment = index.segment;
  unindexed_.insert(segment);
  auto bytes = std::make_shared<std::string>(index.groups.empty() ? std::string() : encode_index(index));
  auto work = [bytes, name = index_name(segment), disk = &disk_] {
    (void)disk->remove(name);  // of an earlier run
    if (bytes->empty()) return;
    Status status = Done{};
    auto file = disk->open(name, io::Disk::Open::create_new);
    if (!file) status = file.error();
    if (status) status = (*file)->write_at(0, *bytes);  // not synced: it can always be made anew
    if (!status) log::warning("index_not_written", {{"file", name}, {"reason", status.error().message}});
  };
  offload_.run(std::move(work), [this, segment, alive = alive_] {
    if (*alive) unindexed_.erase(segment);
  });
}

Write& Log::write_to_current() {
  const auto& segment = *segments_.find(current_);
  if (pending_.empty() || pending_.back().segment() != current_)
    pending_.emplace_back(Write::Target{current_, segment.file, segment.allocated}, segment.size);
  return pending_.back();
}

Position Log::write_record(std::string before, RecordType type, std::string items) {
  const auto written_at = static_cast<std::uint64_t>(loop_.wall_now().time_since_epoch().count());
  auto head = std::move(before) + record_header(type, {current_, salt_}, written_at, items);
  auto& segment = *segments_.find(current_);
  auto& write = write_to_current();
  const Position at{current_, static_cast<std::uint32_t>(segment.size + head.size())};
  segments_.grow(segment, head.size() + items.size());
  write.add(std::move(head), std::move(items));
  ++record_count_;
  return at;
}

Position Log::append(std::string items, bool urgent, Applied applied) {
  MILLRACE_CHECK(items.size() % alignment == 0 && items.size() < record_size_max, "items are padded and bounded");
  Position at;
  if (!failure_) at = write_record({}, RecordType::transaction, std::move(items));
  if (applied) waiting_.push_back(std::move(applied));
  if (urgent || failure_) {
    ++urgent_count_;
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
  ++urgent_count_;
  flush();
}

void Log::close(Applied closed) {
  closed_ = std::move(closed);
  if (stalled_) return tell_closed(*stalled_);
  after_pending([this](const Status& status) { tell_closed(status); });
}

/// Not from inside anything: it may be the end of this object.
void Log::tell_closed(const Status& status) {
  if (closed_) loop_.post([closed = std::exchange(closed_, nullptr), status] { closed(status); });
}

void Log::flush() {
  if (in_flight_ || (pending_.empty() && waiting_.empty())) return;
  in_flight_ = std::make_shared<Flush>();
  in_flight_->writes = std::exchange(pending_, {});
  in_flight_->waiting = std::exchange(waiting_, {});
  in_flight_->sync_folder = std::exchange(folder_changed_, false);
  in_flight_->segment = current_;
  in_flight_->growth_min = std::max<std::uint64_t>(settings_.segment_size / 64, 512);
  if (failure_) in_flight_->status = *failure_;
  const LonePace::Flush kind{std::exchange(urgent_count_, 0), std::exchange(record_count_, 0), in_flushed_};
  if (in_flight_->writes.empty()) return run(in_flight_, false);
  pace_.begin(loop_.steady_now(), kind);
  run(in_flight_, pace_.is_lone() && in_flight_->is_small());
}

void Log::run(const std::shared_ptr<Flush>& batch, bool here) {
  auto work = [batch, disk = &disk_] { batch->work(*disk); };
  auto then = [this, batch, alive = alive_] {
    if (*alive) flushed(batch);
  };
  here ? offload_.run_here(std::move(work), std::move(then)) : offload_.run(std::move(work), std::move(then));
}

void Log::wait_for_space(const std::shared_ptr<Flush>& batch) {
  give_up_spares();
  if (!stalled_) {
    log::error("disk_full", {{"reason", batch->status.error().message},
                             {"effect", "nothing is confirmed until there is space again"}});
  }
  stalled_ = batch->status.error();
  tell_closed(*stalled_);
  space_retry_ = loop_.after(space_retry_delay, [this, batch] {
    space_retry_ = 0;
    batch->status = Done{};
    run(batch, false);  // the same bytes to the same places
  });
}

void Log::flushed(const std::shared_ptr<Flush>& batch) {
  if (!batch->status && !failure_ && batch->status.error().kind == Error::Kind::no_space) return wait_for_space(batch);
  if (std::exchange(stalled_, std::nullopt)) log::info("disk_has_space_again");
  in_flight_ = nullptr;
  if (!batch->writes.empty()) pace_.end(loop_.steady_now());
  in_flushed_ = true;
  if (batch->status) {
    for (const auto& write : batch->writes) {
      if (auto* segment = segments_.find(write.segment())) segment->durable = write.end();
    }
    if (durable_segment_ != batch->segment) {
      durable_segment_ = batch->segment;
      checkpoints_.push_back(durable_segment_);
      if (checkpoints_.size() > 2) checkpoints_.erase(checkpoints_.begin());
    }
  } else if (!failure_) {
    fail(batch->status.error());
  }
  end_full_segment();
  const auto alive = alive_;
  for (auto& applied : batch->waiting) {
    applied(failure_ ? Status(*failure_) : Status(Done{}));
    if (!*alive) return;
  }
  if (!waiting_.empty() || (!pending_.empty() && lazy_ == 0)) flush();
  in_flushed_ = false;
}

void Log::fail(const Error& error) {
  failure_ = error;
  log::error("storage_failed", {{"reason", error.message}, {"effect", "nothing more is taken in until the restart"}});
}

Result<MessageItem> Log::read(Position at) {
  const auto find = [&](const std::vector<Write>& writes) -> std::optional<std::string_view> {
    for (const auto& write : writes) {
      if (write.segment() == at.segment && at.offset < write.end()) return write.items_at(at.offset);
    }
    return std::nullopt;
  };
  const auto* segment = segments_.find(at.segment);
  if (segment != nullptr && at.offset >= segment->durable) {
    if (in_flight_) {
      if (const auto bytes = find(in_flight_->writes)) return MessageReader::decode(*bytes);
    }
    if (const auto bytes = find(pending_)) return MessageReader::decode(*bytes);
  }
  return reader_.read(at);
}

Result<std::vector<IndexEntry>> Log::entries(std::uint32_t segment, std::uint32_t queue, std::uint8_t priority) {
  const auto* remade = remade_ && remade_->segment == segment ? &*remade_ : nullptr;
  if (remade == nullptr) {
    auto file = disk_.open(index_name(segment), io::Disk::Open::existing);
    auto entries = file ? read_index_group(**file, segment, queue, priority) : file.error();
    if (entries) return entries;
    log::warning("index_made_anew", {{"segment", segment_name(segment)}, {"reason", entries.error().message}});
    const auto source = segments_.file(segment);
    if (!source) return source.error();
    auto index = make_index(**source, segment, segments_.find(segment)->size);
    if (!index) return index.error();
    remade_ = std::move(*index);
    remade = &*remade_;
    store_index(*remade_);
  }
  const auto* group = remade->find(queue, priority);
  return group == nullptr ? std::vector<IndexEntry>() : group->entries;
}

void Log::quarantine(Position at) {
  const auto file = segments_.file(at.segment);
  if (!file) return;
  const auto head = (*file)->read_at(at.offset, item_head_size);
  if (!head || head->size() < item_head_size) return;
  const auto rest = segments_.find(at.segment)->size - at.offset;
  set_aside(at.segment, at.offset, std::min<std::uint64_t>(item_size(*head), rest));
}

bool Log::at_rest(std::uint32_t segment) const {
  return segment < durable_segment_ && !unindexed_.contains(segment) && !failure_;
}

bool Log::is_removable(std::uint32_t segment) const {
  return checkpoints_.size() == 2 && segment < checkpoints_.front();
}

void Log::end_segment_early() {
  ends_early_ = true;
  after_pending([](const Status&) {});
}

void Log::remove(std::uint32_t segment) {
  MILLRACE_CHECK(is_removable(segment), "a start may still need the segment");
  reader_.forget(segment);
  const bool kept = !stalled_ && spares_.keep(segment, segments_.find(segment)->size);
  segments_.erase(segment);
  auto work = [segment, kept, disk = &disk_] {
    (void)disk->remove(index_name(segment));  // it need not have one
    if (kept) return;
    if (auto removed = disk->remove(segment_name(segment)); !removed)
      log::warning("segment_not_removed", {{"reason", removed.error().message}});
  };
  offload_.run(std::move(work), [] {});
}

void Log::give_up_spares() {
  auto names = spares_.give_up();
  if (names.empty()) return;
  auto work = [names = std::move(names), disk = &disk_] {
    for (const auto& name : names) (void)disk->remove(name);  // a start tries again
  };
  offload_.run(std::move(work), [] {});
}

}  // namespace millrace::storage
