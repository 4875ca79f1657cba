#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "io/disk.hpp"
#include "storage/format.hpp"

namespace millrace::storage {

/// What a queue has to know of one message in a segment; its body is read when it is delivered.
struct IndexEntry {
  std::uint64_t number = 0;
  std::uint64_t expires_at = 0;  ///< ms since the Unix epoch; 0: never
  std::uint32_t offset = 0;      ///< of the message's item
  std::uint32_t size = 0;        ///< bytes of properties and body
  bool gap = false;              ///< what stood before it, in this segment and for this queue, is not listed
  friend bool operator==(const IndexEntry&, const IndexEntry&) = default;
};

/// The entries of one priority of one queue, by offset.
struct IndexGroup {
  std::uint32_t queue = 0;
  std::uint8_t priority = 0;
  std::vector<IndexEntry> entries;
};

/// The sidecar of a complete segment: which messages it holds for which queue, so that a queue finds its own without
/// reading the segment. It can always be made anew from the segment (make_index); one that the broker wrote leaves out
/// what had left when the segment was complete.
struct SegmentIndex {
  std::uint32_t segment = 0;
  std::uint64_t segment_size = 0;
  std::vector<IndexGroup> groups;  ///< ascending by queue and priority

  const IndexGroup* find(std::uint32_t queue, std::uint8_t priority) const;
};

std::string index_name(std::uint32_t segment);
/// The number of a sidecar's file name, or nullopt for other files.
std::optional<std::uint32_t> index_number(std::string_view name);

std::string encode_index(const SegmentIndex& index);
/// The whole sidecar; Error::damaged if a checksum does not match.
Result<SegmentIndex> decode_index(std::string_view bytes, std::uint32_t segment);
/// Only the entries of one priority of one queue; none if it has none there.
Result<std::vector<IndexEntry>> read_index_group(const io::File& file, std::uint32_t segment, std::uint32_t queue,
                                                 std::uint8_t priority);
/// From the segment itself; what is damaged there is left out.
Result<SegmentIndex> make_index(const io::File& file, std::uint32_t segment, std::uint64_t size);

}  // namespace millrace::storage
