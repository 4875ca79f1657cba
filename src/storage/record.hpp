#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/format.hpp"

namespace millrace::storage {

/// The frame around a record's items; docs/storage-format.md, "Record".
struct RecordHeader {
  RecordType type = RecordType::transaction;
  std::uint32_t size = 0;  ///< bytes of the items
  std::uint64_t written_at = 0;
};

/// What a segment's records are told by from all else that stands, or stood, in its file.
struct SegmentMark {
  std::uint32_t number = 0;
  std::uint64_t salt = 0;  ///< of its checksums: nobody can have published bytes that pass for a record
};

struct SegmentHeader {
  std::uint32_t version = format_version;
  SegmentMark mark;
};

/// What stands before a record's items in that segment.
std::string record_header(RecordType type, SegmentMark segment, std::uint64_t written_at, std::string_view items);
/// The record at the start of `bytes`, whole and with a matching checksum; nullopt if there is none.
std::optional<RecordHeader> read_record(std::string_view bytes, SegmentMark segment);

/// Bytes of the items that a record with this header has; nothing is verified.
std::uint32_t record_items_size(std::string_view header);
/// Whether these bytes begin as a record of that segment does; the rest of it may be missing or damaged.
bool begins_record(std::string_view bytes, std::uint32_t segment);

std::string segment_header(SegmentMark mark);
/// The header of that segment, if it is intact and no other's.
std::optional<SegmentHeader> read_segment_header(std::string_view bytes, std::uint32_t number);
/// Whether these bytes are the intact header of any segment.
bool is_segment_header(std::string_view bytes);
/// The salt that a damaged header still tells: it stands there three times, each bit as two of them have it.
std::uint64_t salt_of_damaged(std::string_view segment_header);

/// The number between `prefix` and `suffix`, ten digits; nullopt for other names.
std::optional<std::uint32_t> numbered(std::string_view name, std::string_view prefix, std::string_view suffix);
std::string segment_name(std::uint32_t number);
/// What a segment's file is called when nothing in it is needed any more, until another segment takes it.
std::string spare_name(std::uint32_t number);
/// The number of a segment's file name, or nullopt for other files.
std::optional<std::uint32_t> segment_number(std::string_view name);
std::optional<std::uint32_t> spare_number(std::string_view name);

}  // namespace millrace::storage
