#include "broker/session/delivery_ledger.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace millrace::broker {

namespace {

bool hole(const Unsettled& entry) {
  return !entry.out;
}

}  // namespace

std::uint64_t DeliveryLedger::add(DeliveryId delivery, std::shared_ptr<Consumer> consumer) {
  entries_.push_back({++last_tag_, delivery, std::move(consumer), true});
  ++live_;
  return last_tag_;
}

std::deque<Unsettled>::iterator DeliveryLedger::position(std::uint64_t tag) {
  if (entries_.empty() || tag < entries_.front().tag) return entries_.end();
  // Without gaps the place is known; deliveries that need no settling and tidied holes make gaps.
  const std::uint64_t guess = tag - entries_.front().tag;
  if (guess < entries_.size() && entries_[guess].tag == tag)
    return entries_.begin() + static_cast<std::ptrdiff_t>(guess);
  auto found = std::lower_bound(entries_.begin(), entries_.end(), tag,
                                [](const Unsettled& entry, std::uint64_t wanted) { return entry.tag < wanted; });
  return found != entries_.end() && found->tag == tag ? found : entries_.end();
}

std::optional<Unsettled> DeliveryLedger::take(std::uint64_t tag) {
  auto found = position(tag);
  if (found == entries_.end() || hole(*found)) return std::nullopt;
  Unsettled taken = std::exchange(*found, Unsettled{tag, {}, nullptr, false});
  --live_;
  tidy();
  return taken;
}

std::optional<std::vector<Unsettled>> DeliveryLedger::take_through(std::uint64_t tag) {
  auto end = entries_.end();
  if (tag != 0) {
    end = position(tag);
    if (end == entries_.end() || hole(*end)) return std::nullopt;
    ++end;
  }
  std::vector<Unsettled> taken;
  for (auto entry = entries_.begin(); entry != end; ++entry) {
    if (!hole(*entry)) taken.push_back(std::move(*entry));
  }
  entries_.erase(entries_.begin(), end);
  live_ -= taken.size();
  return taken;
}

void DeliveryLedger::restore(std::vector<Unsettled> entries) {
  live_ += entries.size();
  for (Unsettled& entry : entries) {
    auto place = position(entry.tag);
    if (place != entries_.end()) {
      MILLRACE_CHECK(hole(*place), "a delivery tag is out twice");
      *place = std::move(entry);
    } else {
      place = std::lower_bound(entries_.begin(), entries_.end(), entry.tag,
                               [](const Unsettled& other, std::uint64_t wanted) { return other.tag < wanted; });
      entries_.insert(place, std::move(entry));
    }
  }
}

void DeliveryLedger::tidy() {
  while (!entries_.empty() && hole(entries_.front())) entries_.pop_front();
  if (entries_.size() > 1024 && entries_.size() > live_ * 4) std::erase_if(entries_, hole);
}

}  // namespace millrace::broker
