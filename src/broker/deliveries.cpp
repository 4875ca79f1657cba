#include "broker/deliveries.hpp"

#include "core/check.hpp"

namespace millrace::broker {

DeliveryId Deliveries::add(Outstanding outstanding) {
  if (free_.empty()) {
    MILLRACE_CHECK(slots_.size() < std::size_t{1} << slot_bits, "more deliveries are out than can be told apart");
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const auto slot = free_.back();
  free_.pop_back();
  const DeliveryId id{++made_ << slot_bits | slot};
  slots_[slot] = {id, std::move(outstanding)};
  return id;
}

Outstanding* Deliveries::find(DeliveryId id) {
  const auto slot = id.value & ((std::uint64_t{1} << slot_bits) - 1);
  return id.value != 0 && slot < slots_.size() && slots_[slot].id == id ? &slots_[slot].outstanding : nullptr;
}

Outstanding Deliveries::take(DeliveryId id) {
  auto* found = find(id);
  MILLRACE_CHECK(found != nullptr, "a delivery is settled once");
  const auto slot = static_cast<std::uint32_t>(id.value & ((std::uint64_t{1} << slot_bits) - 1));
  auto taken = std::move(*found);
  slots_[slot] = {};
  free_.push_back(slot);
  if (size() == 0 && slots_.size() > 4096) {  // many were out once
    slots_ = {};
    free_ = {};
  }
  return taken;
}

}  // namespace millrace::broker
