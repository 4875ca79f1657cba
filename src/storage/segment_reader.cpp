#include "storage/segment_reader.hpp"

#include <algorithm>

#include "storage/bytes.hpp"

namespace millrace::storage {
namespace {

constexpr std::string_view magic_bytes("MLR1", 4);
constexpr std::uint64_t window_size = 1u << 20;

}  // namespace

Result<std::string_view> SegmentReader::bytes(std::uint64_t offset, std::uint64_t size) {
  size = offset < size_ ? std::min(size, size_ - offset) : 0;
  if (offset < window_at_ || offset + size > window_at_ + window_.size()) {
    auto read = file_.read_at(offset, std::max(size, std::min(window_size, size_ - std::min(offset, size_))));
    if (!read) return read.error();
    window_ = std::move(*read);
    window_at_ = offset;
  }
  return std::string_view(window_).substr(offset - window_at_, size);
}

Result<std::optional<std::uint32_t>> SegmentReader::header() {
  const auto head = bytes(0, segment_header_size);
  if (!head) return head.error();
  const auto intact = read_segment_header(*head, segment_.number);
  segment_.salt = intact ? intact->mark.salt : salt_of_damaged(*head);
  was_anothers_ = !intact && is_segment_header(*head);
  if (!intact) return std::optional<std::uint32_t>();
  at_ = segment_header_size;
  return std::optional(intact->version);
}

Result<std::optional<SegmentReader::Piece>> SegmentReader::record_at(std::uint64_t offset) {
  auto head = bytes(offset, record_header_size);
  if (!head) return head.error();
  if (!begins_record(*head, segment_.number)) return std::optional<Piece>();
  const auto size = record_header_size + std::uint64_t{record_items_size(*head)};
  if (size > size_ - offset) return std::optional<Piece>();
  const auto whole = bytes(offset, size);
  if (!whole) return whole.error();
  const auto header = read_record(*whole, segment_);
  if (!header) return std::optional<Piece>();
  Piece piece;
  piece.is_record = true;
  piece.offset = offset;
  piece.size = size;
  piece.header = *header;
  piece.items = whole->substr(record_header_size, header->size);
  return std::optional<Piece>(piece);
}

Result<std::uint64_t> SegmentReader::find_record(std::uint64_t offset) {
  while (offset < size_) {
    if (auto there = bytes(offset, magic_bytes.size()); !there) return there.error();
    const auto window = std::string_view(window_).substr(offset - window_at_);
    const auto found = window.find(magic_bytes);
    if (found == std::string_view::npos) {
      const bool file_ends = window.size() < magic_bytes.size();  // before its size: it was cut off
      if (file_ends || offset + window.size() >= size_) break;
      offset += window.size() - (magic_bytes.size() - 1);
      continue;
    }
    offset += found;
    if (offset % alignment == 0) {
      const auto record = record_at(offset);
      if (!record) return record.error();
      if (*record) return offset;
    }
    ++offset;
  }
  return size_;
}

Result<bool> SegmentReader::is_zero_from(std::uint64_t offset) {
  while (offset < size_) {
    const auto window = bytes(offset, std::min(window_size, size_ - offset));
    if (!window) return window.error();
    if (window->empty() || window->find_first_not_of('\0') != std::string_view::npos) return false;
    offset += window->size();
  }
  return true;
}

Result<std::optional<SegmentReader::Piece>> SegmentReader::next() {
  if (at_ >= size_) return std::optional<Piece>();
  auto record = record_at(at_);
  if (!record) return record.error();
  if (*record) {
    at_ += (*record)->size;
    return record;
  }
  const auto found = find_record(at_ + 1);
  if (!found) return found.error();
  Piece damage;
  damage.offset = at_;
  damage.size = *found - at_;
  damage.last_bytes = *found == size_;
  if (damage.last_bytes) {
    const auto zero = is_zero_from(at_);
    if (!zero) return zero.error();
    const auto head = bytes(at_, record_header_size);
    if (!head) return head.error();
    damage.is_zero = *zero;
    damage.is_begun = begins_record(*head, segment_.number);
    damage.is_headless = at_ == 0 && !*zero && !was_anothers_;
  }
  at_ = *found;
  return std::optional<Piece>(damage);
}

Result<bool> is_begun(const io::File& file, std::uint32_t segment, std::uint64_t size) {
  SegmentReader reader(file, segment, size);
  const auto version = reader.header();
  if (!version) return version.error();
  if (*version) return true;
  const auto first = reader.next();
  if (!first) return first.error();
  return *first && ((*first)->is_record || !(*first)->last_bytes);
}

void for_each_item(std::string_view items, Position at, const std::function<void(Position, const Item&)>& item,
                   const std::function<void(Position, std::uint32_t size, const Error&)>& damaged) {
  while (items.size() >= item_head_size) {
    const auto size = item_size(items);
    if (size < item_head_size || size > items.size()) {
      return damaged(at, static_cast<std::uint32_t>(items.size()), {Error::Kind::damaged, "an item's size cannot be"});
    }
    if (const auto decoded = decode_item(items.substr(0, size))) {
      item(at, *decoded);
    } else {
      damaged(at, size, decoded.error());
    }
    items.remove_prefix(size);
    at.offset += size;
  }
}

}  // namespace millrace::storage
