// The reading side of the log: what opening does.
#include <algorithm>

#include <fmt/format.h>

#include "core/log.hpp"
#include "storage/log.hpp"
#include "storage/record.hpp"
#include "storage/segment_reader.hpp"

namespace millrace::storage {

Result<std::unique_ptr<Log>> Log::open(io::Loop& loop, io::Disk& disk, io::Offload& offload, Settings settings,
                                       const Replay& replay) {
  // What another process has written and not synced can be read, and could be gone tomorrow.
  if (auto synced = disk.sync_folder(); !synced) return synced.error();
  auto log = std::unique_ptr<Log>(new Log(loop, disk, offload, settings));
  const auto found = log->find_segments();
  if (!found) return found.error();
  if (found->empty()) return log;
  const auto tail = log->settle_tail(*found);
  if (!tail) return tail.error();
  const auto start = log->find_start(*found);
  if (!start) return start.error();
  log->checkpoints_.push_back(*start);
  for (const auto number : *found) {
    if (number < *start) continue;
    if (auto replayed = log->replay_segment(number, replay, number >= *tail); !replayed) return replayed.error();
    log->unindexed_.insert(number);
  }
  log->current_ = found->back();
  return log;
}

Result<std::vector<std::uint32_t>> Log::find_segments() {
  const auto names = disk_.list();
  if (!names) return names.error();
  std::vector<std::uint32_t> found;
  for (const auto& name : *names) {
    const auto number = segment_number(name);
    const auto spare = spare_number(name);
    if (!number && !spare) continue;
    auto file = disk_.open(name, io::Disk::Open::existing);
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    if (spare) {
      if (!spares_.adopt(*spare, *size)) (void)disk_.remove(name);
      continue;
    }
    found.push_back(*number);
    segments_.add(*number, {*size, *size, nullptr, 0, nullptr});
  }
  for (const auto& name : *names) {
    const auto number = index_number(name);
    if (number && segments_.find(*number) == nullptr) (void)disk_.remove(name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::uint32_t> Log::settle_tail(const std::vector<std::uint32_t>& segments) {
  for (auto number = segments.rbegin(); number != segments.rend(); ++number) {
    const auto file = segments_.file(*number);
    if (!file) return file.error();
    if (auto settled = (*file)->settle(); !settled) return settled.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    segments_.add(*number, {*size, *size, *file, 0, nullptr});
    const auto begun = is_begun(**file, *number, *size);
    if (!begun) return begun.error();
    if (*begun) return *number;
  }
  return std::uint32_t{0};
}

Result<std::uint32_t> Log::find_start(const std::vector<std::uint32_t>& segments) {
  for (auto number = segments.rbegin(); number != segments.rend(); ++number) {
    const auto file = segments_.file(*number);
    if (!file) return file.error();
    SegmentReader reader(**file, *number, segments_.find(*number)->size);
    const auto version = reader.header();
    if (!version) return version.error();
    if (*version && !is_readable(**version)) {
      return Error{Error::Kind::unsupported,
                   fmt::format("{} has format version {}, this program reads versions {} to {}", segment_name(*number),
                               **version, oldest_format_version, format_version)};
    }
    const auto first = reader.next();
    if (!first) return first.error();
    if (*first && (*first)->is_record && (*first)->header.type == RecordType::checkpoint) return *number;
    if (number != segments.rbegin()) {
      log::error("checkpoint_damaged",
                 {{"segment", segment_name(*number)}, {"effect", "the start goes on from an earlier one"}});
    }
  }
  log::error("no_checkpoint", {{"effect", "the whole log is read; messages that had left may come again"}});
  return segments.front();
}

Status Log::replay_segment(std::uint32_t number, const Replay& replay, bool last) {
  const auto file = segments_.file(number);
  if (!file) return file.error();
  auto* segment = segments_.find(number);
  SegmentReader reader(**file, number, segment->size);
  if (const auto version = reader.header(); !version) return version.error();
  for (;;) {
    const auto next = reader.next();
    if (!next) return next.error();
    if (!*next) return Done{};
    const auto& piece = **next;
    if (piece.is_record) {
      for_each_item(
          piece.items, {number, static_cast<std::uint32_t>(piece.offset + record_header_size)},
          [&](Position at, const Item& item) { replay(at, piece.header.written_at, item); },
          [](Position at, std::uint32_t, const Error& error) {
            log::error("item_damaged", {{"segment", std::to_string(at.segment)},
                                        {"offset", std::to_string(at.offset)},
                                        {"reason", error.message}});
          });
      continue;
    }
    if (!last && piece.is_zero) continue;
    if (!last || !piece.last_bytes) {
      set_aside(number, piece.offset, piece.size);
      continue;
    }
    if (piece.is_headless) set_aside(number, piece.offset, piece.size);
    if (piece.is_begun)
      log::warning("torn_tail_cut", {{"segment", segment_name(number)},
                                     {"offset", std::to_string(piece.offset)},
                                     {"bytes", std::to_string(piece.size)}});
    if (auto cut = (*file)->truncate(piece.offset); !cut) return cut.error();
    if (auto synced = (*file)->sync(); !synced) return synced.error();
    segments_.add(number, {piece.offset, piece.offset, *file, 0, nullptr});
    return Done{};
  }
}

void Log::set_aside(std::uint32_t segment, std::uint64_t offset, std::uint64_t size) {
  log::error("record_damaged",
             {{"segment", segment_name(segment)}, {"offset", std::to_string(offset)}, {"bytes", std::to_string(size)}});
  const auto from = segments_.file(segment);
  if (!from) return;
  const auto bytes = (*from)->read_at(offset, size);
  if (!bytes) return;
  auto file = disk_.open(fmt::format("{}.damaged-{}", segment_name(segment), offset), io::Disk::Open::create_new);
  if (!file) return;  // kept aside before
  if (auto written = (*file)->write_at(0, *bytes); !written)
    log::warning("damage_not_kept", {{"reason", written.error().message}});
}

}  // namespace millrace::storage
