#include "storage/segments.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "storage/record.hpp"

namespace millrace::storage {

void Segments::add(std::uint32_t number, Segment segment) {
  if (const auto* before = find(number)) size_ -= before->size;
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
  if (!opened && close_oldest()) opened = disk_.open(segment_name(number), io::Disk::Open::existing);
  if (!opened) return opened.error();
  segment->file = std::move(*opened);
  auto file = segment->file;
  if (open_count() > open_max) (void)close_oldest();
  return file;
}

std::size_t Segments::open_count() const {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [](const auto& it) { return it.second.file != nullptr; }));
}

bool Segments::close_oldest() {
  Segment* oldest = nullptr;
  for (auto& [number, segment] : all_) {
    if (!segment.file || number == all_.rbegin()->first) continue;  // the last one is written
    if (oldest == nullptr || segment.used_at < oldest->used_at) oldest = &segment;
  }
  if (oldest == nullptr) return false;
  oldest->file = nullptr;
  return true;
}

}  // namespace millrace::storage
