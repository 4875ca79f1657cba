#include "storage/record.hpp"

#include <charconv>

#include <fmt/format.h>

#include "storage/bytes.hpp"
#include "storage/checksum.hpp"

namespace millrace::storage {
namespace {

constexpr std::string_view name_prefix = "segment-";
constexpr std::string_view spare_prefix = "spare-";
constexpr std::string_view name_suffix = ".log";
constexpr std::size_t salt_offset = 16;  // in a segment's header; three times
constexpr std::size_t checksummed_head = 24;

std::uint64_t checksum_of(std::string_view head, std::string_view items, std::uint64_t salt) {
  return checksum(items, checksum(head, salt));
}

std::string file_name(std::string_view prefix, std::uint32_t number) {
  return fmt::format("{}{:010}{}", prefix, number, name_suffix);
}

}  // namespace

std::string record_header(RecordType type, SegmentMark segment, std::uint64_t written_at, std::string_view items) {
  std::string out;
  out.reserve(record_header_size);
  put(out, record_magic);
  put(out, static_cast<std::uint8_t>(type));
  out.append(3, '\0');
  put(out, static_cast<std::uint32_t>(items.size()));
  put(out, segment.number);
  put(out, written_at);
  put(out, checksum_of(out, items, segment.salt));
  return out;
}

std::optional<RecordHeader> read_record(std::string_view bytes, SegmentMark segment) {
  if (!begins_record(bytes, segment.number)) return std::nullopt;
  RecordHeader header;
  header.type = static_cast<RecordType>(get_at<std::uint8_t>(bytes, 4));
  header.size = get_at<std::uint32_t>(bytes, 8);
  header.written_at = get_at<std::uint64_t>(bytes, 16);
  if (header.size > bytes.size() - record_header_size) return std::nullopt;
  const auto expected = get_at<std::uint64_t>(bytes, checksummed_head);
  const auto items = bytes.substr(record_header_size, header.size);
  if (checksum_of(bytes.substr(0, checksummed_head), items, segment.salt) != expected) return std::nullopt;
  return header;
}

std::uint32_t record_items_size(std::string_view header) {
  return get_at<std::uint32_t>(header, 8);
}

bool begins_record(std::string_view bytes, std::uint32_t segment) {
  return bytes.size() >= record_header_size && get_at<std::uint32_t>(bytes, 0) == record_magic &&
         get_at<std::uint32_t>(bytes, 12) == segment;
}

std::string segment_header(SegmentMark mark) {
  std::string out(segment_magic);
  put(out, format_version);
  put(out, mark.number);
  for (int i = 0; i < 3; ++i) put(out, mark.salt);
  out.append(segment_header_size - 8 - out.size(), '\0');
  put(out, checksum(out, 0));
  return out;
}

std::optional<SegmentHeader> read_segment_header(std::string_view bytes, std::uint32_t number) {
  if (bytes.size() < segment_header_size || !bytes.starts_with(segment_magic)) return std::nullopt;
  const auto head = bytes.substr(0, segment_header_size - 8);
  if (checksum(head, 0) != get_at<std::uint64_t>(bytes, segment_header_size - 8)) return std::nullopt;
  if (get_at<std::uint32_t>(bytes, 12) != number) return std::nullopt;
  return SegmentHeader{get_at<std::uint32_t>(bytes, 8), {number, get_at<std::uint64_t>(bytes, salt_offset)}};
}

bool is_segment_header(std::string_view bytes) {
  return bytes.size() >= segment_header_size && read_segment_header(bytes, get_at<std::uint32_t>(bytes, 12));
}

std::uint64_t salt_of_damaged(std::string_view segment_header) {
  if (segment_header.size() < segment_header_size) return 0;
  const auto first = get_at<std::uint64_t>(segment_header, salt_offset);
  const auto second = get_at<std::uint64_t>(segment_header, salt_offset + 8);
  const auto third = get_at<std::uint64_t>(segment_header, salt_offset + 16);
  return (first & second) | (second & third) | (first & third);
}

std::string segment_name(std::uint32_t number) {
  return file_name(name_prefix, number);
}

std::string spare_name(std::uint32_t number) {
  return file_name(spare_prefix, number);
}

std::optional<std::uint32_t> numbered(std::string_view name, std::string_view prefix, std::string_view suffix) {
  constexpr std::size_t digit_count = 10;
  if (name.size() != prefix.size() + digit_count + suffix.size()) return std::nullopt;
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return std::nullopt;
  const auto digits = name.substr(prefix.size(), digit_count);
  std::uint32_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<std::uint32_t> segment_number(std::string_view name) {
  return numbered(name, name_prefix, name_suffix);
}

std::optional<std::uint32_t> spare_number(std::string_view name) {
  return numbered(name, spare_prefix, name_suffix);
}

}  // namespace millrace::storage
