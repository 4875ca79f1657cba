#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::storage {

/// The numbers of docs/storage-format.md; a change here is a change there and a new version.
inline constexpr std::uint32_t format_version = 3;
/// Version 2 has no salt, which is read as one of 0.
inline constexpr std::uint32_t oldest_format_version = 2;
constexpr bool is_readable(std::uint32_t version) {
  return version >= oldest_format_version && version <= format_version;
}
inline constexpr std::string_view segment_magic = "MILLRACE";
inline constexpr std::size_t segment_header_size = 64;
inline constexpr std::uint32_t record_magic = 0x31524c4d;  // "MLR1"
inline constexpr std::size_t record_header_size = 32;
/// Records and items start at multiples of this, so that a reader finds the next one after damage.
inline constexpr std::size_t alignment = 8;
/// A segment's offsets fit 32 bits; a record must, too.
inline constexpr std::uint64_t record_size_max = 0x7fff'0000;

enum class RecordType : std::uint8_t {
  transaction = 1,  ///< items that take effect together
  checkpoint = 2,   ///< items that state everything as it was then; first in every segment
};

enum class ItemKind : std::uint8_t {
  message = 1,
  settled = 2,
  lost = 3,
  taken = 4,
  exchange_declared = 5,
  exchange_deleted = 6,
  queue_declared = 7,
  queue_deleted = 8,
  bound = 9,
  unbound = 10,
  purged = 11,
  counters = 12,
  next_ids = 13,
  part = 14,
};

/// How a message left a queue.
enum class Left : std::uint8_t {
  acknowledged = 1,
  rejected = 2,
  expired = 3,
  overflowed = 4,  ///< dropped from the head for x-max-length
  lost_often = 5,  ///< more losses than x-delivery-limit
  damaged = 6,     ///< its stored bytes do not match their checksum
};

/// What a sidecar begins with: "segment-N.index", the entries of segment N by queue.
inline constexpr std::string_view index_magic = "MLRINDEX";
inline constexpr std::size_t index_header_size = 64;
inline constexpr std::size_t index_group_size = 32;

/// Where a message's item begins: segment number and byte offset in it.
struct Position {
  std::uint32_t segment = 0;  ///< 0: nowhere, the message is not in the log
  std::uint32_t offset = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

}  // namespace millrace::storage
