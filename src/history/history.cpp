#include "history/history.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/log.hpp"

namespace millrace::history {
namespace {

std::string data_name(std::uint32_t number) {
  return fmt::format("{:08}.history", number);
}
std::string index_name(std::uint32_t number) {
  return fmt::format("{:08}.index", number);
}

std::optional<std::uint32_t> number_of(std::string_view name, std::string_view suffix) {
  std::uint32_t number = 0;
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  return failed == std::errc() && end == name.data() + name.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<History>> History::open(io::Disk& disk, Limits limits) {
  std::unique_ptr<History> history(new History(disk, limits));
  if (auto done = history->recover(); !done) return done.error().in("history");
  return history;
}

Status History::recover() {
  const auto names = disk_.list();
  if (!names) return names.error();
  for (const auto& name : *names) {
    if (const auto number = number_of(name, ".history")) {
      if (auto loaded = load(*number); !loaded) return loaded;
    }
  }
  if (segments_.empty() || segments_.back().index_size != 0) return begin_segment();
  return Done{};
}

/// Reads the index of a segment that was closed, or the segment itself.
Status History::load(std::uint32_t number) {
  // One that was being written, and is not the last: its index could not be written.
  if (!segments_.empty() && segments_.back().index_size == 0) {
    if (auto sealed = seal(); !sealed) return sealed;
  }
  Segment segment;
  segment.number = number;
  auto file = disk_.open(data_name(number), io::Disk::Open::existing);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  segment.size = *size;
  segment.file = std::move(*file);
  if (auto index_file = disk_.open(index_name(number), io::Disk::Open::existing)) {
    const auto index_size = (*index_file)->size();
    const auto bytes = index_size ? (*index_file)->read_at(0, *index_size) : Result<std::string>(index_size.error());
    auto index = bytes ? SegmentIndex::from_file(*bytes, segment.filter) : Result<SegmentIndex>(bytes.error());
    if (index) {
      note(segment, *index, 0);
      segment.index_size = bytes->size();
      segments_.push_back(std::move(segment));
      return Done{};
    }
    index_file->reset();
    if (auto removed = disk_.remove(index_name(number)); !removed) return removed;
    segment.filter = {};
  }
  open_index_ = std::make_shared<SegmentIndex>();
  const auto bytes = segment.file->read_at(0, segment.size);
  if (!bytes) return bytes.error();
  std::size_t at = 0;
  while (const auto read = chunk::read(std::string_view(*bytes).substr(at))) {
    open_index_->add(read->source, read->records, at + read->records_at);
    at += read->size;
  }
  if (at != bytes->size()) {
    log::warning("the history's end was not whole and is cut off",
                 {{"file", data_name(number)}, {"bytes", std::to_string(bytes->size() - at)}});
    if (auto cut = segment.file->truncate(at); !cut) return cut;
  }
  segment.size = at;
  note(segment, *open_index_, 0);
  segments_.push_back(std::move(segment));
  return Done{};
}

void History::note(Segment& segment, const SegmentIndex& index, std::size_t from) {
  const auto& entries = index.entries();
  for (std::size_t i = from; i < entries.size(); ++i) {
    segment.filter.add(entries[i].execution);
    if (segment.first_at == 0) segment.first_at = entries[i].at;
    segment.last_at = std::max(segment.last_at, entries[i].at);
  }
}

Status History::begin_segment() {
  Segment segment;
  segment.number = segments_.empty() ? 1 : segments_.back().number + 1;
  auto file = disk_.open(data_name(segment.number), io::Disk::Open::create_new);
  if (!file) return file.error();
  segment.file = std::move(*file);
  segments_.push_back(std::move(segment));
  open_index_ = std::make_shared<SegmentIndex>();
  return Done{};
}

/// Writes the index of the last segment.
Status History::seal() {
  auto& segment = segments_.back();
  const auto bytes = open_index_->to_file(segment.filter);
  auto file = disk_.open(index_name(segment.number), io::Disk::Open::create_new);
  if (!file) return file.error();
  if (auto written = (*file)->write_at(0, bytes); !written) {
    file->reset();
    static_cast<void>(disk_.remove(index_name(segment.number)));  // or it is found damaged at the next start
    return written;
  }
  segment.index_size = bytes.size();
  return Done{};
}

Status History::append(const Source& source, std::string_view records, std::int64_t now) {
  if (records.empty()) return Done{};
  if (records.size() > chunk::size_max) return Error{Error::Kind::limit, "too many records at once"};
  prune(now);
  if (const auto free = disk_.free_space(); free && *free < limits_.free_space_min) {
    return Error{Error::Kind::no_space, fmt::format("the disk has only {} bytes left", *free)};
  }
  const bool full = segments_.back().size >= limits_.segment_size;
  if (full || open_index_->source_count() >= SegmentIndex::sources_max) {
    if (auto sealed = seal(); !sealed) return sealed;
    if (auto begun = begin_segment(); !begun) return begun;
  }
  std::string bytes;
  chunk::append(bytes, source, records);
  auto& segment = segments_.back();
  if (auto written = segment.file->write_at(segment.size, bytes); !written) return written;
  const auto before = open_index_->entries().size();
  open_index_->add(source, records, segment.size + (bytes.size() - records.size()));
  note(segment, *open_index_, before);
  segment.size += bytes.size();
  return Done{};
}

void History::prune(std::int64_t now) {
  const auto too_old = now - limits_.keep.count();
  if (segments_.back().size > 0 && segments_.back().last_at < too_old) {
    if (!seal() || !begin_segment()) return;
  }
  while (segments_.size() > 1 && (segments_.front().last_at < too_old || facts().bytes > limits_.size_max)) {
    remove_oldest();
  }
}

void History::remove_oldest() {
  const auto number = segments_.front().number;
  std::erase_if(cache_, [&](const Cached& cached) { return cached.segment == number; });
  segments_.pop_front();
  for (const auto& name : {data_name(number), index_name(number)}) {
    if (auto removed = disk_.remove(name); !removed) {
      log::warning("old history cannot be removed", {{"file", name}, {"reason", removed.error().message}});
    }
  }
}

std::vector<std::uint32_t> History::segments() const {
  std::vector<std::uint32_t> numbers;
  for (const auto& segment : segments_) numbers.push_back(segment.number);
  return numbers;
}

History::Segment* History::segment(std::uint32_t number) {
  const auto found = std::ranges::find(segments_, number, &Segment::number);
  return found == segments_.end() ? nullptr : &*found;
}

std::shared_ptr<const SegmentIndex> History::index(std::uint32_t number) {
  auto* known = segment(number);
  if (known == nullptr) return nullptr;
  if (known->index_size == 0) return open_index_;
  const auto cached = std::ranges::find(cache_, number, &Cached::segment);
  if (cached != cache_.end()) {
    std::rotate(cache_.begin(), cached, cached + 1);
    return cache_.front().index;
  }
  const auto file = disk_.open(index_name(number), io::Disk::Open::existing);
  const auto bytes = file ? (*file)->read_at(0, known->index_size) : Result<std::string>(file.error());
  ExecutionFilter filter;
  auto index = bytes ? SegmentIndex::from_file(*bytes, filter) : Result<SegmentIndex>(bytes.error());
  if (!index) {
    log::warning("history cannot be read", {{"file", index_name(number)}, {"reason", index.error().message}});
    return nullptr;
  }
  cache_.push_front({number, std::make_shared<const SegmentIndex>(std::move(*index))});
  std::size_t memory = 0;
  for (const auto& one : cache_) memory += one.index->memory();
  for (; memory > limits_.cache_max && cache_.size() > 1; cache_.pop_back()) memory -= cache_.back().index->memory();
  return cache_.front().index;
}

std::vector<std::pair<Position, Entry>> History::find(std::uint64_t execution) {
  std::vector<std::pair<Position, Entry>> found;
  for (const auto& one : segments_) {
    if (!one.filter.may_have(execution)) continue;
    const auto known = index(one.number);
    if (!known) continue;
    for (const auto place : known->find(execution)) found.push_back({{one.number, place}, known->entries()[place]});
  }
  return found;
}

Result<Stored> History::read(Position at) {
  const auto* from = segment(at.segment);
  const auto known = index(at.segment);
  if (from == nullptr || !known || at.entry >= known->entries().size()) {
    return Error{Error::Kind::not_found, "this history is no longer kept"};
  }
  const auto& entry = known->entries()[at.entry];
  auto bytes = from->file->read_at(entry.offset, entry.size);
  if (!bytes) return bytes.error();
  Stored stored{at, known->source(entry), {}, std::make_shared<const std::string>(std::move(*bytes))};
  std::string_view rest = *stored.bytes;
  auto record = take_record(rest);
  if (!record) return Error{Error::Kind::damaged, fmt::format("history: {} is damaged", data_name(at.segment))};
  stored.record = std::move(*record);
  return stored;
}

History::Facts History::facts() const {
  Facts facts;
  for (const auto& segment : segments_) {
    facts.bytes += segment.size + segment.index_size;
    if (facts.oldest_at == 0) facts.oldest_at = segment.first_at;
  }
  facts.segments = segments_.size();
  return facts;
}

}  // namespace millrace::history
