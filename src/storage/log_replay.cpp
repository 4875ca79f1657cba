// The reading side of the log: what opening does.
#include <fmt/format.h>

#include "core/log.hpp"
#include "storage/bytes.hpp"
#include "storage/log.hpp"
#include "storage/record.hpp"

namespace millrace::storage {
namespace {

constexpr std::string_view magic_bytes("MLR1", 4);

/// Offset of the next intact record after `from`, or the size of `bytes`.
std::size_t next_record(std::string_view bytes, std::size_t from, std::uint32_t segment) {
  for (auto at = bytes.find(magic_bytes, from); at != std::string_view::npos; at = bytes.find(magic_bytes, at + 1)) {
    if (at % alignment == 0 && read_record(bytes.substr(at), segment)) return at;
  }
  return bytes.size();
}

void replay_record(std::string_view items, Position at, std::uint64_t written_at, const Log::Replay& replay) {
  while (items.size() >= item_head_size) {
    const auto size = item_size(items);
    if (size < item_head_size || size > items.size()) return;
    if (const auto item = decode_item(items.substr(0, size))) {
      replay(at, written_at, *item);
    } else {
      log::error("item_damaged", {{"segment", std::to_string(at.segment)},
                                  {"offset", std::to_string(at.offset)},
                                  {"reason", item.error().message}});
    }
    items.remove_prefix(size);
    at.offset += size;
  }
}

}  // namespace

void Log::set_aside(const std::string& name, std::uint64_t offset, std::string_view bytes) {
  log::error("record_damaged",
             {{"segment", name}, {"offset", std::to_string(offset)}, {"bytes", std::to_string(bytes.size())}});
  auto file = disk_.open(fmt::format("{}.damaged-{}", name, offset), io::Disk::Open::create_new);
  if (!file) return;  // kept aside at an earlier opening
  if (auto written = (*file)->write_at(0, bytes); !written)
    log::warning("damage_not_kept", {{"reason", written.error().message}});
}

Result<std::uint32_t> Log::settle_tail(const std::map<std::uint32_t, std::string>& segments) {
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    auto file = disk_.open(segment->second, io::Disk::Open::existing);
    if (!file) return file.error();
    if (auto settled = (*file)->settle(); !settled) return settled.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    if (*size > 0) return segment->first;
  }
  return std::uint32_t{0};
}

Status Log::replay_segment(const std::string& name, std::uint32_t number, const Replay& replay, bool last) {
  auto file = disk_.open(name, io::Disk::Open::existing);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  const auto bytes = (*file)->read_at(0, *size);
  if (!bytes) return bytes.error();
  Segment segment{std::move(*file), *size};
  std::size_t at = segment_header_size;
  const auto version = read_segment_header(*bytes, number);
  if (version && *version != format_version) {
    return Error{Error::Kind::unsupported, fmt::format("{} has format version {}, this program reads version {}", name,
                                                       *version, format_version)};
  }
  if (!version) at = next_record(*bytes, 0, number);
  while (at < bytes->size()) {
    const auto rest = std::string_view(*bytes).substr(at);
    if (const auto header = read_record(rest, number)) {
      replay_record(rest.substr(record_header_size, header->size),
                    {number, static_cast<std::uint32_t>(at + record_header_size)}, header->written_at, replay);
      at += record_header_size + header->size;
      continue;
    }
    const auto next = next_record(*bytes, at + 1, number);
    if (next == bytes->size()) {
      if (!last) set_aside(name, at, rest);
      break;
    }
    set_aside(name, at, rest.substr(0, next - at));
    at = next;
  }
  if (last && at < bytes->size()) {
    log::warning("torn_tail_cut",
                 {{"segment", name}, {"offset", std::to_string(at)}, {"bytes", std::to_string(bytes->size() - at)}});
    if (auto cut = segment.file->truncate(at); !cut) return cut.error();
    if (auto synced = segment.file->sync(); !synced) return synced.error();
    segment.size = at;
  }
  segments_.emplace(number, std::move(segment));
  return Done{};
}

}  // namespace millrace::storage
