#include "storage/record.hpp"

#include <charconv>

#include <fmt/format.h>

#include "storage/bytes.hpp"
#include "storage/checksum.hpp"

namespace millrace::storage {
namespace {

constexpr std::string_view name_prefix = "segment-";
constexpr std::string_view name_suffix = ".log";
constexpr std::size_t checksummed_head = 24;

std::uint64_t checksum_of(std::string_view head, std::string_view items) {
  return checksum(items, checksum(head, 0));
}

}  // namespace

void append_record(std::string& out, const RecordHeader& header, std::string_view items) {
  const auto start = out.size();
  put(out, record_magic);
  put(out, static_cast<std::uint8_t>(header.type));
  out.append(3, '\0');
  put(out, static_cast<std::uint32_t>(items.size()));
  put(out, header.segment);
  put(out, header.written_at);
  put(out, checksum_of(std::string_view(out).substr(start, checksummed_head), items));
  out += items;
}

std::optional<RecordHeader> read_record(std::string_view bytes, std::uint32_t segment) {
  if (bytes.size() < record_header_size || get_at<std::uint32_t>(bytes, 0) != record_magic) return std::nullopt;
  RecordHeader header;
  header.type = static_cast<RecordType>(get_at<std::uint8_t>(bytes, 4));
  header.size = get_at<std::uint32_t>(bytes, 8);
  header.segment = get_at<std::uint32_t>(bytes, 12);
  header.written_at = get_at<std::uint64_t>(bytes, 16);
  if (header.segment != segment || header.size > bytes.size() - record_header_size) return std::nullopt;
  const auto expected = get_at<std::uint64_t>(bytes, checksummed_head);
  const auto items = bytes.substr(record_header_size, header.size);
  if (checksum_of(bytes.substr(0, checksummed_head), items) != expected) return std::nullopt;
  return header;
}

std::uint32_t record_items_size(std::string_view header) {
  return get_at<std::uint32_t>(header, 8);
}

std::string segment_header(std::uint32_t number) {
  std::string out(segment_magic);
  put(out, format_version);
  put(out, number);
  out.append(segment_header_size - 8 - out.size(), '\0');
  put(out, checksum(out, 0));
  return out;
}

std::optional<std::uint32_t> read_segment_header(std::string_view bytes, std::uint32_t number) {
  if (bytes.size() < segment_header_size || !bytes.starts_with(segment_magic)) return std::nullopt;
  const auto head = bytes.substr(0, segment_header_size - 8);
  if (checksum(head, 0) != get_at<std::uint64_t>(bytes, segment_header_size - 8)) return std::nullopt;
  if (get_at<std::uint32_t>(bytes, 12) != number) return std::nullopt;
  return get_at<std::uint32_t>(bytes, 8);
}

std::string segment_name(std::uint32_t number) {
  return fmt::format("{}{:010}{}", name_prefix, number, name_suffix);
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

}  // namespace millrace::storage
