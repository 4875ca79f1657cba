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
  std::uint32_t size = 0;     ///< bytes of the items
  std::uint32_t segment = 0;  ///< the segment it was written for
  std::uint64_t written_at = 0;
};

void append_record(std::string& out, const RecordHeader& header, std::string_view items);
/// The record at the start of `bytes`, whole and with a matching checksum; nullopt if there is none.
std::optional<RecordHeader> read_record(std::string_view bytes, std::uint32_t segment);

/// Bytes of the items that a record with this header has; nothing is verified.
std::uint32_t record_items_size(std::string_view header);

std::string segment_header(std::uint32_t number);
/// The version of a segment whose header is intact.
std::optional<std::uint32_t> read_segment_header(std::string_view bytes, std::uint32_t number);

/// The number between `prefix` and `suffix`, ten digits; nullopt for other names.
std::optional<std::uint32_t> numbered(std::string_view name, std::string_view prefix, std::string_view suffix);
std::string segment_name(std::uint32_t number);
/// The number of a segment's file name, or nullopt for other files.
std::optional<std::uint32_t> segment_number(std::string_view name);

}  // namespace millrace::storage
