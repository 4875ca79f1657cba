#include "cluster/owner.hpp"

#include "core/id.hpp"

namespace millrace::cluster {

const std::string* owner_of(std::string_view worker, const std::vector<std::string>& members) {
  const std::string* owner = nullptr;
  std::string greatest;
  for (const auto& member : members) {
    auto weight = derived_id({member, worker});
    if (owner != nullptr && weight <= greatest) continue;
    owner = &member;
    greatest = std::move(weight);
  }
  return owner;
}

}  // namespace millrace::cluster
