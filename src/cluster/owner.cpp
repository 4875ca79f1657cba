#include "cluster/owner.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "core/id.hpp"

namespace millrace::cluster {

const std::string* owner_of(std::string_view step, std::uint32_t instance, const std::vector<std::string>& members) {
  if (members.empty()) return nullptr;
  std::vector<std::pair<std::string, const std::string*>> order;
  for (const auto& member : members) order.emplace_back(derived_id({member, step}), &member);
  std::ranges::sort(order, std::greater());
  return order[(std::max<std::uint32_t>(instance, 1) - 1) % order.size()].second;
}

}  // namespace millrace::cluster
