#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "broker/broker.hpp"
#include "broker/queue/entry.hpp"

namespace millrace::broker {

/// A message out with a consumer, until it is settled.
struct Outstanding {
  SessionId session;
  ConsumerId consumer;
  std::uint32_t queue = 0;
  Entry entry;
};

/// What is out, by delivery. Ids are never used twice; a later delivery has a greater one. Adding and taking cost the
/// same whatever else is out.
class Deliveries {
 public:
  DeliveryId add(Outstanding outstanding);
  /// nullptr if it is not out.
  Outstanding* find(DeliveryId id);
  /// It is out.
  Outstanding take(DeliveryId id);
  /// Those that `wanted` is true for, oldest first.
  template <class Wanted>
  std::vector<DeliveryId> select(Wanted wanted) const;
  /// All of them, in no order.
  template <class Each>
  void each(Each each) const {
    for (const auto& slot : slots_) {
      if (slot.id.value != 0) each(slot.outstanding);
    }
  }
  template <class Each>
  void each(Each each) {
    for (auto& slot : slots_) {
      if (slot.id.value != 0) each(slot.outstanding);
    }
  }
  std::size_t size() const { return slots_.size() - free_.size(); }

 private:
  struct Slot {
    DeliveryId id;  // 0: free
    Outstanding outstanding;
  };
  static constexpr int slot_bits = 28;

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t made_ = 0;
};

template <class Wanted>
std::vector<DeliveryId> Deliveries::select(Wanted wanted) const {
  std::vector<DeliveryId> ids;
  for (const auto& slot : slots_) {
    if (slot.id.value != 0 && wanted(slot.outstanding)) ids.push_back(slot.id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace millrace::broker
