#include "broker/queue/backlog.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace millrace::broker {

Backlog::~Backlog() {
  for (const auto& part : parts_) residents_.entries -= part->is_loaded() ? part->count : 0;
  residents_.body_bytes -= body_bytes_;
}

void Backlog::account(const Entry& entry, bool added) {
  const std::uint64_t body = entry.message ? entry.size : 0;
  if (added) {
    ++residents_.entries;
    residents_.body_bytes += body;
    body_bytes_ += body;
  } else {
    --residents_.entries;
    residents_.body_bytes -= body;
    body_bytes_ -= body;
  }
}

void Backlog::sort() {
  std::stable_sort(parts_.begin(), parts_.end(),
                   [](const auto& a, const auto& b) { return a->number_min < b->number_min; });
}

Part* Backlog::find(std::uint32_t segment) {
  if (newest_ != nullptr && newest_->segment == segment) return newest_;
  for (const auto& part : parts_) {
    if (part->segment == segment) return part.get();
  }
  return nullptr;
}

Part& Backlog::part_of(std::uint32_t segment) {
  if (auto* part = find(segment)) return *part;
  parts_.push_back(std::make_unique<Part>(segment));
  return *parts_.back();
}

void Backlog::add(std::unique_ptr<Part> part) {
  visible_ = std::max(visible_, part->number_max);
  parts_.push_back(std::move(part));
  sort();
}

void Backlog::erase(const Part& part) {
  if (newest_ == &part) newest_ = nullptr;
  std::erase_if(parts_, [&](const auto& it) { return it.get() == &part; });
}

void Backlog::append(Entry entry) {
  auto& part = part_of(entry.at.segment);
  if (newest_ != &part) {
    const auto* before = std::exchange(newest_, &part);
    if (before != nullptr && before->count == 0) erase(*before);
  }
  account(entry, true);
  const bool first = part.count == 0;
  part.append(std::move(entry));
  if (first && parts_.size() > 1) sort();
}

Part* Backlog::arrived(const Entry& entry) {
  visible_ = std::max(visible_, entry.number);
  if (entry.expires_at == 0) return nullptr;
  auto* part = find(entry.at.segment);
  MILLRACE_CHECK(part != nullptr && part->is_loaded(), "what arrives stays where it was appended");
  if (const auto index = part->find(entry.number)) part->watch(part->entries()[*index]);
  return part;
}

Part* Backlog::front(PartSource& source) {
  for (;;) {
    Part* best = nullptr;
    Part* cold = nullptr;
    std::uint64_t first = visible_;
    for (const auto& part : parts_) {
      if (part->number_min > first) break;
      if (part->count == 0) continue;
      if (!part->is_loaded()) {
        cold = part.get();
        break;
      }
      const auto number = part->entries().front().number;
      if (number > first) continue;
      first = number;
      best = part.get();
    }
    if (cold == nullptr) return best;
    if (!source.load(*this, *cold)) return nullptr;
  }
}

Entry Backlog::take(Part& part, std::size_t index) {
  auto entry = part.take(index);
  account(entry, false);
  if (part.count == 0 && &part != newest_) erase(part);
  return entry;
}

Part& Backlog::put_back(Entry entry, PartSource& source, bool moved) {
  auto* part = &part_of(entry.at.segment);
  if (!part->is_loaded() && source.load(*this, *part))
    part = &part_of(entry.at.segment);  // nothing of it may have been readable
  if (!part->is_loaded()) {
    part->insert_cold(entry);
    sort();
    return *part;
  }
  account(entry, true);
  const auto bound = part->count == 0 ? ~std::uint64_t{0} : part->number_min;
  const auto number = entry.number;
  part->insert(std::move(entry), moved);
  if (number < bound) sort();
  return *part;
}

std::vector<Entry> Backlog::take_expired(Part& part, std::uint64_t now, std::size_t count_max) {
  auto expired = part.take_expired(now, count_max);
  for (const auto& entry : expired) account(entry, false);
  if (part.count == 0 && &part != newest_) erase(part);
  return expired;
}

std::vector<Backlog::Gone> Backlog::purge(std::vector<storage::Place>& kept) {
  std::vector<Gone> gone;
  for (std::size_t i = 0; i < parts_.size();) {
    auto& part = *parts_[i];
    Gone all{part.segment, part.count, part.bytes};
    if (!is_arriving(part)) {
      if (part.is_loaded()) residents_.entries -= part.count;
      const auto bodies = part.body_bytes();
      residents_.body_bytes -= bodies;
      body_bytes_ -= bodies;
      if (newest_ == &part) newest_ = nullptr;
      parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      while (part.count > 0 && part.entries().front().number <= visible_) account(part.take(0), false);
      for (const auto& entry : part.entries()) {
        if (!entry.gone) kept.push_back(entry.place(queue));
      }
      all.count -= part.count;
      all.bytes -= part.bytes;
      ++i;
    }
    if (all.count > 0) gone.push_back(all);
  }
  return gone;
}

void Backlog::forget(const storage::Place& place) {
  auto* part = find(place.at.segment);
  if (part == nullptr) return;
  if (part->forget(place) && part->is_loaded()) --residents_.entries;
}

void Backlog::keep_only(const std::vector<storage::Place>& kept) {
  for (const auto& part : parts_) {
    if (part->is_loaded()) residents_.entries -= part->count;
    part->keep_only(kept);
    if (part->is_loaded()) residents_.entries += part->count;
  }
}

void Backlog::load(Part& part, std::vector<Entry> entries) {
  part.load(std::move(entries));
  residents_.entries += part.count;
  ++residents_.loads;
  if (part.count == 0) erase(part);
}

void Backlog::unload(Part& part) {
  residents_.entries -= part.count;
  const auto bodies = part.body_bytes();
  residents_.body_bytes -= bodies;
  body_bytes_ -= bodies;
  if (newest_ == &part) newest_ = nullptr;
  part.unload();
  sort();
}

namespace {

/// A part on the way through it.
struct Cursor {
  const Part* part;
  std::vector<Entry> read;  // of a cold one
  std::size_t at = 0;

  const Entry* entry() {
    if (!part->is_loaded()) return at < read.size() ? &read[at] : nullptr;
    while (at < part->entries().size() && part->entries()[at].gone) ++at;
    return at < part->entries().size() ? &part->entries()[at] : nullptr;
  }
};

}  // namespace

bool Backlog::walk(PartSource& source, const std::function<bool(const Entry&)>& visit) const {
  std::vector<Cursor> open;
  auto next = parts_.begin();
  for (;;) {
    Cursor* first = nullptr;
    for (auto& cursor : open) {
      if (first == nullptr || cursor.entry()->number < first->entry()->number) first = &cursor;
    }
    // A part that has not been opened may hold an earlier one.
    if (next != parts_.end() && (first == nullptr || (*next)->number_min <= first->entry()->number)) {
      const auto& part = **next++;
      open.push_back({&part, {}});
      if (!part.is_loaded()) {
        if (auto read = source.read(*this, part)) open.back().read = std::move(*read);
        std::sort(open.back().read.begin(), open.back().read.end(),
                  [](const Entry& a, const Entry& b) { return a.number < b.number; });
      }
      if (open.back().entry() == nullptr) open.pop_back();
      continue;
    }
    if (first == nullptr || first->entry()->number > visible_) return true;
    if (!visit(*first->entry())) return false;
    ++first->at;
    if (first->entry() == nullptr) open.erase(open.begin() + (first - open.data()));
  }
}

}  // namespace millrace::broker
