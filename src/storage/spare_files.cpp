#include "storage/spare_files.hpp"

#include <utility>

#include "core/log.hpp"
#include "storage/record.hpp"

namespace millrace::storage {

bool SpareFiles::adopt(std::uint32_t number, std::uint64_t size) {
  if (!wants(size)) return false;
  spares_.push_back({number, size});
  return true;
}

bool SpareFiles::keep(std::uint32_t segment, std::uint64_t size) {
  if (!wants(size)) return false;
  if (!disk_.rename(segment_name(segment), spare_name(segment))) return false;
  spares_.push_back({segment, size});
  return true;
}

bool SpareFiles::wants(std::uint64_t size) const {
  return spares_.size() < count_max && size >= segment_size_ / 2 && size <= 2 * segment_size_;
}

std::optional<SpareFiles::Taken> SpareFiles::take(std::uint32_t segment) {
  while (!spares_.empty()) {
    const auto spare = spares_.back();
    spares_.pop_back();
    auto renamed = disk_.rename(spare_name(spare.number), segment_name(segment));
    auto file = renamed ? disk_.open(segment_name(segment), io::Disk::Open::existing) : renamed.error();
    if (file) return Taken{std::move(*file), spare.size};
    log::warning("spare_file_not_used", {{"file", spare_name(spare.number)}, {"reason", file.error().message}});
  }
  return std::nullopt;
}

std::vector<std::string> SpareFiles::give_up() {
  std::vector<std::string> names;
  for (const auto& spare : std::exchange(spares_, {})) names.push_back(spare_name(spare.number));
  return names;
}

}  // namespace millrace::storage
