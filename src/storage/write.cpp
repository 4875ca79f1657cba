#include "storage/write.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace millrace::storage {
namespace {

constexpr std::size_t page = 4096;
constexpr std::array<char, page> zeros{};

}  // namespace

void Write::add(std::string head, std::string items) {
  const auto items_offset = end_ + head.size();
  end_ = items_offset + items.size();
  const bool joins = items.size() <= small_max && !pieces_.empty() && pieces_.back().items.size() <= joint_max;
  if (joins) {
    pieces_.back().items.append(head).append(items);
  } else {
    pieces_.push_back({items_offset, std::move(head), std::move(items)});
  }
}

std::optional<std::string_view> Write::items_at(std::uint64_t offset) const {
  const auto behind = std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                                       [](std::uint64_t at, const auto& piece) { return at < piece.items_offset; });
  if (behind == pieces_.begin()) return std::nullopt;
  const auto& piece = *std::prev(behind);
  if (offset - piece.items_offset >= piece.items.size()) return std::nullopt;
  return std::string_view(piece.items).substr(offset - piece.items_offset);
}

std::size_t Write::padding() const {
  return ends_ ? 0 : (page - end_ % page) % page;
}

/// Where that fails, the write itself tells.
void Write::make_room(std::uint64_t growth_min) const {
  const auto end = end_ + padding();
  if (ends_ || end <= *target_.allocated) return;
  const auto step = std::clamp(end / 4, growth_min, 8 * growth_min);
  if (target_.file->allocate(end + step)) *target_.allocated = end + step;
}

Status Write::run(std::uint64_t growth_min) const {
  make_room(growth_min);
  std::vector<std::string_view> pieces;
  pieces.reserve(2 * pieces_.size() + 1);
  for (const auto& piece : pieces_) {
    pieces.push_back(piece.head);
    pieces.push_back(piece.items);
  }
  pieces.emplace_back(zeros.data(), padding());
  Status status = Done{};
  if (end_ > begin_) status = target_.file->write_at(begin_, pieces);
  if (status && ends_) status = target_.file->truncate(end_);
  if (status) status = target_.file->sync();
  return status;
}

}  // namespace millrace::storage
