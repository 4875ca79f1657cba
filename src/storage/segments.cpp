#include "storage/segments.hpp"

#include <fmt/format.h>

#include "storage/record.hpp"

namespace millrace::storage {

void Segments::add(std::uint32_t number, Segment segment) {
  size_ += segment.size;
  segment.used_at = ++uses_;
  all_.insert_or_assign(number, std::move(segment));
}

void Segments::erase(std::uint32_t number) {
  const auto found = all_.find(number);
  if (found == all_.end()) return;
  size_ -= found->second.size;
  all_.erase(found);
}

Segments::Segment* Segments::find(std::uint32_t number) {
  const auto found = all_.find(number);
  return found == all_.end() ? nullptr : &found->second;
}

void Segments::grow(Segment& segment, std::uint64_t bytes) {
  segment.size += bytes;
  size_ += bytes;
}

Result<std::shared_ptr<io::File>> Segments::file(std::uint32_t number) {
  auto* segment = find(number);
  if (segment == nullptr) return Error{Error::Kind::not_found, fmt::format("{} is gone", segment_name(number))};
  segment->used_at = ++uses_;
  if (segment->file) return segment->file;
  auto opened = disk_.open(segment_name(number), io::Disk::Open::existing);
  if (!opened) return opened.error();
  segment->file = std::move(*opened);
  auto file = segment->file;
  close_unused();
  return file;
}

void Segments::close_unused() {
  std::size_t open = 0;
  Segment* oldest = nullptr;
  for (auto& [number, segment] : all_) {
    if (!segment.file) continue;
    ++open;
    if (number == all_.rbegin()->first) continue;  // it is written
    if (oldest == nullptr || segment.used_at < oldest->used_at) oldest = &segment;
  }
  if (open > open_max && oldest != nullptr) oldest->file = nullptr;
}

}  // namespace millrace::storage
