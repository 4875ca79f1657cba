#include "storage/segment_index.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "storage/bytes.hpp"
#include "storage/checksum.hpp"
#include "storage/record.hpp"
#include "storage/segment_reader.hpp"
#include "storage/varint.hpp"

namespace millrace::storage {
namespace {

constexpr std::size_t checksummed_header = index_header_size - 8;

Error damaged(std::uint32_t segment) {
  return {Error::Kind::damaged, fmt::format("{} does not match its checksum", index_name(segment))};
}

/// A line of the directory that follows the header.
struct Group {
  std::uint32_t queue = 0;
  std::uint8_t priority = 0;
  std::uint32_t count = 0;
  std::uint32_t offset = 0;  ///< in the file
  std::uint32_t size = 0;
  std::uint64_t checksum = 0;
};

std::string encode_entries(const std::vector<IndexEntry>& entries) {
  std::string out;
  IndexEntry before;
  for (const auto& entry : entries) {
    put_varint(out, (std::uint64_t{(entry.offset - before.offset) / alignment} << 1) | (entry.gap ? 1 : 0));
    put_varint(out, zigzag(entry.number - before.number));
    put_varint(out, entry.size);
    put_varint(out, zigzag(entry.expires_at - before.expires_at));
    before = entry;
  }
  return out;
}

bool decode_entries(std::string_view bytes, std::uint32_t count, std::vector<IndexEntry>& out) {
  if (bytes.size() < count) return false;  // an entry has four bytes at least
  out.reserve(count);
  VarintReader in(bytes);
  IndexEntry entry;
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const auto step = in.next();
    entry.gap = (step & 1) != 0;
    entry.offset += static_cast<std::uint32_t>((step >> 1) * alignment);
    entry.number += unzigzag(in.next());
    entry.size = static_cast<std::uint32_t>(in.next());
    entry.expires_at += unzigzag(in.next());
    out.push_back(entry);
  }
  return in.ok() && in.at_end();
}

struct Directory {
  std::uint64_t segment_size = 0;
  std::vector<Group> groups;
};

/// `head`: the header, and behind it the directory; nothing if they do not match their checksum.
std::optional<std::uint32_t> group_count(std::string_view head, std::uint32_t segment) {
  if (head.size() < index_header_size || !head.starts_with(index_magic)) return std::nullopt;
  if (checksum(head.substr(0, checksummed_header), 0) != get_at<std::uint64_t>(head, checksummed_header))
    return std::nullopt;
  if (!is_readable(get_at<std::uint32_t>(head, 8)) || get_at<std::uint32_t>(head, 12) != segment) return std::nullopt;
  return get_at<std::uint32_t>(head, 24);
}

std::optional<Directory> read_directory(std::string_view head, std::uint32_t count) {
  Directory out;
  out.segment_size = get_at<std::uint64_t>(head, 16);
  const auto lines = head.substr(index_header_size);
  if (lines.size() / index_group_size < count) return std::nullopt;
  if (checksum(lines.substr(0, count * index_group_size), 0) != get_at<std::uint64_t>(head, 32)) return std::nullopt;
  ByteReader in(lines);
  for (std::uint32_t i = 0; i < count; ++i) {
    Group group;
    group.queue = in.number<std::uint32_t>();
    group.priority = static_cast<std::uint8_t>(in.number<std::uint32_t>());
    group.count = in.number<std::uint32_t>();
    group.offset = in.number<std::uint32_t>();
    group.size = in.number<std::uint32_t>();
    (void)in.number<std::uint32_t>();
    group.checksum = in.number<std::uint64_t>();
    out.groups.push_back(group);
  }
  return out;
}

bool read_group(std::string_view bytes, const Group& group, std::vector<IndexEntry>& out) {
  return bytes.size() == group.size && checksum(bytes, 0) == group.checksum && decode_entries(bytes, group.count, out);
}

}  // namespace

const IndexGroup* SegmentIndex::find(std::uint32_t queue, std::uint8_t priority) const {
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const IndexGroup& group) {
    return group.queue == queue && group.priority == priority;
  });
  return found == groups.end() ? nullptr : &*found;
}

std::string index_name(std::uint32_t segment) {
  return fmt::format("segment-{:010}.index", segment);
}

std::optional<std::uint32_t> index_number(std::string_view name) {
  return numbered(name, "segment-", ".index");
}

std::string encode_index(const SegmentIndex& index) {
  std::string lines;
  std::string entries;
  const auto entries_at = index_header_size + index.groups.size() * index_group_size;
  for (const auto& group : index.groups) {
    const auto bytes = encode_entries(group.entries);
    put(lines, group.queue);
    put(lines, std::uint32_t{group.priority});
    put(lines, static_cast<std::uint32_t>(group.entries.size()));
    put(lines, static_cast<std::uint32_t>(entries_at + entries.size()));
    put(lines, static_cast<std::uint32_t>(bytes.size()));
    put(lines, std::uint32_t{0});
    put(lines, checksum(bytes, 0));
    entries += bytes;
  }
  std::string out(index_magic);
  put(out, format_version);
  put(out, index.segment);
  put(out, index.segment_size);
  put(out, static_cast<std::uint32_t>(index.groups.size()));
  put(out, std::uint32_t{0});
  put(out, checksum(lines, 0));
  out.append(checksummed_header - out.size(), '\0');
  put(out, checksum(out, 0));
  return out + lines + entries;
}

Result<SegmentIndex> decode_index(std::string_view bytes, std::uint32_t segment) {
  const auto count = group_count(bytes, segment);
  if (!count) return damaged(segment);
  const auto directory = read_directory(bytes, *count);
  if (!directory) return damaged(segment);
  SegmentIndex index{segment, directory->segment_size, {}};
  for (const auto& group : directory->groups) {
    if (group.offset > bytes.size()) return damaged(segment);
    index.groups.push_back({group.queue, group.priority, {}});
    if (!read_group(bytes.substr(group.offset, group.size), group, index.groups.back().entries))
      return damaged(segment);
  }
  return index;
}

Result<std::vector<IndexEntry>> read_index_group(const io::File& file, std::uint32_t segment, std::uint32_t queue,
                                                 std::uint8_t priority) {
  auto head = file.read_at(0, index_header_size);
  if (!head) return head.error();
  const auto count = group_count(*head, segment);
  if (!count) return damaged(segment);
  head = file.read_at(0, index_header_size + std::size_t{*count} * index_group_size);
  if (!head) return head.error();
  const auto directory = read_directory(*head, *count);
  if (!directory) return damaged(segment);
  std::vector<IndexEntry> entries;
  for (const auto& group : directory->groups) {
    if (group.queue != queue || group.priority != priority) continue;
    const auto bytes = file.read_at(group.offset, group.size);
    if (!bytes) return bytes.error();
    if (!read_group(*bytes, group, entries)) return damaged(segment);
  }
  return entries;
}

Result<SegmentIndex> make_index(const io::File& file, std::uint32_t segment, std::uint64_t size) {
  std::map<std::pair<std::uint32_t, std::uint8_t>, std::vector<IndexEntry>> groups;
  SegmentReader reader(file, segment, size);
  if (const auto header = reader.header(); !header) return header.error();
  const auto take = [&](Position at, const Item& item) {
    const auto* message = std::get_if<MessageItem>(&item);
    if (message == nullptr) return;
    for (const auto& target : message->targets) {
      groups[{target.queue, target.priority}].push_back(
          {message->number, target.expires_at, at.offset,
           static_cast<std::uint32_t>(message->properties.size() + message->body.size()), false});
    }
  };
  for (;;) {
    const auto piece = reader.next();
    if (!piece) return piece.error();
    if (!*piece) break;
    if (!(*piece)->is_record) continue;
    for_each_item((*piece)->items, {segment, static_cast<std::uint32_t>((*piece)->offset + record_header_size)}, take,
                  [](Position, std::uint32_t, const Error&) {});
  }
  SegmentIndex index{segment, size, {}};
  for (auto& [key, entries] : groups) index.groups.push_back({key.first, key.second, std::move(entries)});
  return index;
}

}  // namespace millrace::storage
