#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "io/disk.hpp"
#include "storage/items.hpp"
#include "storage/record.hpp"

namespace millrace::storage {

/// Reads a segment's records in order, through a window: memory follows the largest record, not the segment.
class SegmentReader {
 public:
  /// What stands next: a whole record, or bytes that are none.
  struct Piece {
    bool is_record = false;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;   ///< with its header
    RecordHeader header;      ///< of a record
    std::string_view items;   ///< of a record; valid until the next call
    bool last_bytes = false;  ///< of damage: nothing whole stands behind it
    bool is_zero = false;     ///< of the last bytes: room made for what was to come
    /// Of the last bytes: a record of this segment begins there and was not written to its end, or is damaged. Where
    /// none does, they may be what the file held before it was this segment's.
    bool is_begun = false;
    /// Of the last bytes: they are the whole segment, which has lost its beginning: there stands neither its header nor
    /// that of another one whose file it has taken over.
    bool is_headless = false;
  };

  SegmentReader(const io::File& file, std::uint32_t segment, std::uint64_t size)
      : file_(file), segment_{segment, 0}, size_(size) {}

  /// The version in the segment's header; nothing if the header is damaged or another segment's. Reading goes on behind
  /// it.
  Result<std::optional<std::uint32_t>> header();
  /// The next piece; nothing at the end.
  Result<std::optional<Piece>> next();

 private:
  /// Bytes from `offset`, as many as there are up to `size`.
  Result<std::string_view> bytes(std::uint64_t offset, std::uint64_t size);
  /// The record that begins at `offset`, if one does.
  Result<std::optional<Piece>> record_at(std::uint64_t offset);
  /// Where the next whole record from `offset` on begins, or the segment's size.
  Result<std::uint64_t> find_record(std::uint64_t offset);
  Result<bool> is_zero_from(std::uint64_t offset);

  const io::File& file_;
  SegmentMark segment_;
  std::uint64_t size_;
  bool was_anothers_ = false;  ///< the header is that of the segment whose file this was before
  std::uint64_t at_ = 0;
  std::uint64_t window_at_ = 0;
  std::string window_;
};

/// Something was written to the segment; otherwise its file, which may have been another's before, only has its name.
Result<bool> is_begun(const io::File& file, std::uint32_t segment, std::uint64_t size);

/// Calls for each intact item of a record whose first item stands at `at`; `damaged` for those that are not.
void for_each_item(std::string_view items, Position at, const std::function<void(Position, const Item&)>& item,
                   const std::function<void(Position, std::uint32_t size, const Error&)>& damaged);

}  // namespace millrace::storage
