#include "broker/queue/part.hpp"

#include <algorithm>
#include <functional>

#include "core/check.hpp"
#include "core/log.hpp"

namespace millrace::broker {

Part::Part(const storage::PartItem& item)
    : segment(item.segment),
      count(item.count),
      bytes(item.bytes),
      number_min(item.number_min),
      number_max(item.number_max),
      expires_first(item.expires_first),
      loaded_(false),
      live_(item.runs) {}

void Part::note(const Entry& entry) {
  if (count == 0 || entry.number < number_min) number_min = entry.number;
  if (entry.number > number_max) number_max = entry.number;
  ++count;
  bytes += entry.size;
}

void Part::append(Entry entry) {
  note(entry);
  entry.gap = std::exchange(gap_next_, false);
  entries_.push_back(std::move(entry));
}

void Part::insert(Entry entry, bool moved) {
  note(entry);
  entry.gap = true;
  if (moved) gap_next_ = true;
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), entry.number,
                                      [](const Entry& it, std::uint64_t number) { return it.number < number; });
  const bool before_next = place == entries_.end() || entry.at.offset <= place->at.offset;
  const bool behind_last = place == entries_.begin() || entry.at.offset >= std::prev(place)->at.offset;
  by_offset_ = by_offset_ && before_next && behind_last;
  watch(entry);
  if (place != entries_.end() && place->number == entry.number) {
    MILLRACE_CHECK(place->gone, "an entry is in its queue once");
    --gone_;
    *place = std::move(entry);
  } else {
    entries_.insert(place, std::move(entry));
  }
}

Entry Part::take(std::size_t index) {
  Entry taken = std::move(entries_[index]);
  if (index + 1 < entries_.size()) {
    entries_[index + 1].gap = true;
  } else {
    gap_next_ = true;
  }
  entries_[index].gone = true;
  ++gone_;
  --count;
  bytes -= taken.size;
  tidy();
  return taken;
}

void Part::tidy() {
  for (; !entries_.empty() && entries_.front().gone; --gone_) entries_.pop_front();
  for (; !entries_.empty() && entries_.back().gone; --gone_) entries_.pop_back();
  if (gone_ < 1024 || gone_ < 2 * count) return;
  std::erase_if(entries_, [](const Entry& entry) { return entry.gone; });
  gone_ = 0;
}

std::optional<std::size_t> Part::find(std::uint64_t number) const {
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), number,
                                      [](const Entry& it, std::uint64_t wanted) { return it.number < wanted; });
  if (place == entries_.end() || place->number != number || place->gone) return std::nullopt;
  return static_cast<std::size_t>(place - entries_.begin());
}

void Part::watch(const Entry& entry) {
  if (entry.expires_at == 0) return;
  expiries_.push_back({entry.expires_at, entry.number});
  std::push_heap(expiries_.begin(), expiries_.end(), std::greater<>());
  take_earlier(expires_first, entry.expires_at);
  if (expiries_.size() < 64 || expiries_.size() < 2 * std::size_t{count}) return;
  std::erase_if(expiries_, [&](const Expiry& expiry) { return expiry.number != entry.number && !is_current(expiry); });
  std::make_heap(expiries_.begin(), expiries_.end(), std::greater<>());
}

bool Part::is_current(const Expiry& expiry) const {
  const auto index = find(expiry.number);
  return index && entries_[*index].expires_at == expiry.at;
}

std::vector<Entry> Part::take_expired(std::uint64_t now, std::size_t count_max) {
  std::vector<Entry> expired;
  while (!expiries_.empty() && expired.size() < count_max) {
    const auto first = expiries_.front();
    const bool current = is_current(first);
    if (current && first.at > now) break;
    std::pop_heap(expiries_.begin(), expiries_.end(), std::greater<>());
    expiries_.pop_back();
    if (current) expired.push_back(take(*find(first.number)));
  }
  expires_first = expiries_.empty() ? 0 : expiries_.front().at;
  return expired;
}

std::uint64_t Part::body_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& entry : entries_) sum += entry.message ? entry.size : 0;
  return sum;
}

namespace {

/// The entries in the order in which they stand in the segment.
std::vector<const Entry*> by_offset(const std::deque<Entry>& entries, const std::vector<const Entry*>& also,
                                    bool ordered) {
  std::vector<const Entry*> all;
  all.reserve(entries.size() + also.size());
  for (const auto& entry : entries) {
    if (!entry.gone) all.push_back(&entry);
  }
  all.insert(all.end(), also.begin(), also.end());
  if (!ordered || !also.empty()) {
    std::sort(all.begin(), all.end(), [](const Entry* a, const Entry* b) { return a->at.offset < b->at.offset; });
  }
  return all;
}

}  // namespace

storage::LiveRuns Part::live(const std::vector<const Entry*>& also) const {
  storage::LiveRuns runs;
  if (!loaded_) {
    if (auto decoded = storage::LiveRuns::decode(live_)) runs = std::move(*decoded);
    for (const auto* entry : also)
      runs.insert({entry->at.offset, entry->at.offset, entry->lost_count, entry->redelivered});
    return runs;
  }
  for (const auto* entry : by_offset(entries_, also, by_offset_))
    runs.append(entry->at.offset, entry->lost_count, entry->redelivered, !entry->gap);
  return runs;
}

std::vector<storage::IndexEntry> Part::index(const std::vector<const Entry*>& also) const {
  std::vector<storage::IndexEntry> out;
  for (const auto* entry : by_offset(entries_, also, by_offset_))
    out.push_back({entry->number, entry->expires_at, entry->at.offset, entry->size, entry->gap});
  return out;
}

void Part::insert_cold(const Entry& entry) {
  note(entry);
  take_earlier(expires_first, entry.expires_at);
  runs().insert({entry.at.offset, entry.at.offset, entry.lost_count, entry.redelivered});
  settle();
}

void Part::unload() {
  live_ = live({}).encode();
  live_.shrink_to_fit();
  if (!entries_.empty()) {
    number_min = entries_.front().number;
    number_max = entries_.back().number;
  }
  loaded_ = false;
  std::deque<Entry>().swap(entries_);
  std::vector<Expiry>().swap(expiries_);
}

std::vector<Entry> Part::read(const std::vector<storage::IndexEntry>& entries, std::uint8_t priority) const {
  std::vector<Entry> out;
  const auto decoded = storage::LiveRuns::decode(live_);
  if (!decoded) return out;
  out.reserve(count);
  const auto& all = decoded->runs();
  auto run = all.begin();
  bool gap = true;
  std::uint64_t before = 0;
  for (const auto& it : entries) {
    while (run != all.end() && run->last < it.offset) ++run;
    const bool live = run != all.end() && run->first <= it.offset;
    // One with a smaller number than the one before it was moved here: it joins neither neighbour.
    gap = gap || it.gap || it.number < before;
    if (!live) {
      gap = true;
      continue;
    }
    Entry entry;
    entry.number = it.number;
    entry.expires_at = it.expires_at;
    entry.at = {segment, it.offset};
    entry.size = it.size;
    entry.priority = priority;
    entry.lost_count = run->lost_count;
    entry.redelivered = run->redelivered;
    entry.gap = gap;
    gap = it.number < before;
    before = std::max(before, it.number);
    out.push_back(std::move(entry));
  }
  return out;
}

void Part::load(std::vector<Entry> entries) {
  const auto by_number = [](const Entry& a, const Entry& b) { return a.number < b.number; };
  by_offset_ = std::is_sorted(entries.begin(), entries.end(), by_number);
  if (!by_offset_) std::sort(entries.begin(), entries.end(), by_number);
  entries_.assign(std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
  loaded_ = true;
  gap_next_ = true;
  live_ = {};
  runs_ = nullptr;
  count = static_cast<std::uint32_t>(entries_.size());
  bytes = 0;
  expires_first = 0;
  for (const auto& entry : entries_) {
    bytes += entry.size;
    if (entry.expires_at == 0) continue;
    expiries_.push_back({entry.expires_at, entry.number});
    take_earlier(expires_first, entry.expires_at);
  }
  std::make_heap(expiries_.begin(), expiries_.end(), std::greater<>());
}

storage::LiveRuns& Part::runs() {
  if (!runs_) {
    auto decoded = storage::LiveRuns::decode(live_);
    if (!decoded) log::error("part_unreadable", {{"segment", std::to_string(segment)}});
    runs_ = std::make_unique<storage::LiveRuns>(decoded ? std::move(*decoded) : storage::LiveRuns());
  }
  return *runs_;
}

bool Part::forget(const storage::Place& place) {
  if (loaded_) {
    const auto index = find(place.number);
    if (index) (void)take(*index);
    return index.has_value();
  }
  if (count == 0 || !runs().remove(place.at.offset)) return false;
  --count;
  bytes -= std::min<std::uint64_t>(bytes, place.size);
  return true;
}

bool Part::mark_lost(const storage::Place& place, std::uint32_t lost_count) {
  const auto saturated = static_cast<std::uint16_t>(std::min<std::uint32_t>(lost_count, 0xffff));
  if (!loaded_) return runs().mark_lost(place.at.offset, saturated);
  const auto index = find(place.number);
  if (!index) return false;
  entries_[*index].lost_count = saturated;
  entries_[*index].redelivered = true;
  return true;
}

void Part::keep_only(const std::vector<storage::Place>& kept) {
  if (loaded_) {
    for (std::size_t i = entries_.size(); i-- > 0;) {
      if (i >= entries_.size() || entries_[i].gone) continue;  // tidied away meanwhile
      const bool keep = std::any_of(kept.begin(), kept.end(),
                                    [&](const storage::Place& place) { return place.at == entries_[i].at; });
      if (!keep) (void)take(i);
    }
    return;
  }
  storage::LiveRuns still;
  count = 0;
  bytes = 0;
  for (const auto& place : kept) {
    const auto* run = place.at.segment == segment ? runs().find(place.at.offset) : nullptr;
    if (run == nullptr) continue;
    still.insert({place.at.offset, place.at.offset, run->lost_count, run->redelivered});
    ++count;
    bytes += place.size;
  }
  runs() = std::move(still);
}

void Part::settle() {
  if (!runs_) return;
  live_ = runs_->encode();
  runs_ = nullptr;
}

}  // namespace millrace::broker
