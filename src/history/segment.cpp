#include "history/segment.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "history/reader.hpp"
#include "storage/checksum.hpp"
#include "storage/varint.hpp"

namespace millrace::history {
namespace {

using storage::put_varint;

constexpr std::string_view chunk_magic = "MRH1";
constexpr std::string_view index_magic = "MRI1";
constexpr std::uint64_t seed = 0x4d5248;

template <class T>
void put(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T get(std::string_view bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void put_text(std::string& to, std::string_view text) {
  put_varint(to, text.size());
  to.append(text);
}

void put_source(std::string& to, const Source& source) {
  put_text(to, source.flow);
  put_varint(to, static_cast<std::uint64_t>(source.version));
  put_text(to, source.step);
  put_text(to, source.worker);
}

Source take_source(Reader& in) {
  Source out;
  out.flow = in.text();
  out.version = static_cast<std::int64_t>(in.number());
  out.step = in.text();
  out.worker = in.text();
  return out;
}

}  // namespace

void chunk::append(std::string& to, const Source& source, std::string_view records) {
  const auto start = to.size();
  to.append(chunk_magic).append(head_size - chunk_magic.size(), '\0');
  put_source(to, source);
  to.append(records);
  const auto payload = std::string_view(to).substr(start + head_size);
  const auto size = static_cast<std::uint32_t>(payload.size());
  const auto sum = storage::checksum(payload, seed);
  std::memcpy(to.data() + start + 4, &size, sizeof size);
  std::memcpy(to.data() + start + 8, &sum, sizeof sum);
}

std::optional<chunk::Read> chunk::read(std::string_view bytes) {
  if (bytes.size() < head_size || !bytes.starts_with(chunk_magic)) return std::nullopt;
  const auto size = get<std::uint32_t>(bytes, 4);
  if (size > bytes.size() - head_size) return std::nullopt;
  const auto payload = bytes.substr(head_size, size);
  if (storage::checksum(payload, seed) != get<std::uint64_t>(bytes, 8)) return std::nullopt;
  Reader in(payload);
  Read read;
  read.source = take_source(in);
  if (!in.ok()) return std::nullopt;
  read.records = in.rest();
  read.records_at = head_size + size - in.rest().size();
  read.size = head_size + size;
  return read;
}

void ExecutionFilter::add(std::uint64_t execution) {
  for (const auto bit : {execution & 0x7ffff, execution >> 24 & 0x7ffff}) {
    bits_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
  }
}

bool ExecutionFilter::may_have(std::uint64_t execution) const {
  const auto has = [&](std::uint64_t bit) { return (bits_[bit >> 6] >> (bit & 63) & 1) != 0; };
  return has(execution & 0x7ffff) && has(execution >> 24 & 0x7ffff);
}

std::uint16_t SegmentIndex::place_of(const Source& source) {
  const auto [known, is_new] = places_.try_emplace(source, static_cast<std::uint16_t>(sources_.size()));
  if (is_new) sources_.push_back(source);
  return known->second;
}

void SegmentIndex::add(const Source& source, std::string_view records, std::uint64_t offset) {
  const auto place = place_of(source);
  for (auto rest = records; !rest.empty();) {
    const auto before = rest;
    const auto record = take_record(rest);
    if (!record) return;
    Entry entry;
    entry.execution = key_of(record->execution);
    entry.at = record->at;
    entry.offset = static_cast<std::uint32_t>(offset + (records.size() - before.size()));
    entry.size = static_cast<std::uint32_t>(before.size() - rest.size());
    entry.spawned = record->spawned;
    entry.source = place;
    entry.kind = record->kind;
    entry.flags =
        static_cast<std::uint8_t>((record->whole ? Entry::whole : 0) | (record->retried ? Entry::retried : 0));
    entries_.push_back(entry);
  }
}

std::vector<std::uint32_t> SegmentIndex::find(std::uint64_t execution) const {
  const auto less = [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(entries_[a].execution, a) < std::pair(entries_[b].execution, b);
  };
  if (const auto sorted = by_execution_.size(); sorted != entries_.size()) {
    by_execution_.resize(entries_.size());
    const auto fresh = by_execution_.begin() + static_cast<std::ptrdiff_t>(sorted);
    std::iota(fresh, by_execution_.end(), static_cast<std::uint32_t>(sorted));
    std::sort(fresh, by_execution_.end(), less);
    std::inplace_merge(by_execution_.begin(), fresh, by_execution_.end(), less);
  }
  const auto first =
      std::ranges::lower_bound(by_execution_, execution, {}, [&](std::uint32_t at) { return entries_[at].execution; });
  std::vector<std::uint32_t> found;
  for (auto at = first; at != by_execution_.end() && entries_[*at].execution == execution; ++at) found.push_back(*at);
  return found;
}

std::string SegmentIndex::to_file(const ExecutionFilter& filter) const {
  std::string out(index_magic);
  put<std::uint32_t>(out, 1);
  put<std::uint64_t>(out, sources_.size());
  put<std::uint64_t>(out, entries_.size());
  out.append(reinterpret_cast<const char*>(filter.bits().data()), filter.bits().size() * sizeof(std::uint64_t));
  out.append(reinterpret_cast<const char*>(entries_.data()), entries_.size() * sizeof(Entry));
  for (const auto& source : sources_) put_source(out, source);
  put<std::uint64_t>(out, storage::checksum(out, seed));
  return out;
}

Result<SegmentIndex> SegmentIndex::from_file(std::string_view bytes, ExecutionFilter& filter) {
  constexpr std::size_t head = 24;
  constexpr std::size_t filter_size = ExecutionFilter::words * sizeof(std::uint64_t);
  const Error damaged{Error::Kind::damaged, "an index of the history is damaged"};
  if (bytes.size() < head + filter_size + 8 || !bytes.starts_with(index_magic)) return damaged;
  const auto body = bytes.substr(0, bytes.size() - 8);
  if (storage::checksum(body, seed) != get<std::uint64_t>(bytes, body.size())) return damaged;
  const auto sources = get<std::uint64_t>(bytes, 8);
  const auto entries = get<std::uint64_t>(bytes, 16);
  if (entries > (body.size() - head - filter_size) / sizeof(Entry) || sources > sources_max + 1) return damaged;
  SegmentIndex index;
  std::memcpy(filter.bits().data(), body.data() + head, filter_size);
  index.entries_.resize(entries);
  std::memcpy(index.entries_.data(), body.data() + head + filter_size, entries * sizeof(Entry));
  Reader in(body.substr(head + filter_size + entries * sizeof(Entry)));
  for (std::uint64_t i = 0; i < sources && in.ok(); ++i) index.sources_.push_back(take_source(in));
  const bool fits = std::ranges::all_of(index.entries_, [&](const Entry& entry) { return entry.source < sources; });
  if (!in.ok() || !fits) return damaged;
  return index;
}

}  // namespace millrace::history
