#include "deployment/component_use.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "flow/component_use.hpp"
#include "store/flows.hpp"

namespace millrace::deployment {

Status check_unused(store::Database& database, const std::string& component) {
  const auto flows = store::Flows(database).in_use();
  if (!flows) return flows.error();
  std::vector<std::string> users;
  for (const auto& flow : *flows) {
    const auto uses = [&](const auto& version) { return flow::uses_component(version.source, component); };
    if (std::any_of(flow.versions.begin(), flow.versions.end(), uses)) users.push_back(flow.name);
  }
  if (users.empty()) return Done{};
  return Error{
      Error::Kind::conflict,
      fmt::format("the component {} is used by {} {} (delete them, or deploy versions without it and wait until "
                  "those before are finished)",
                  component, users.size() == 1 ? "the flow" : "the flows", fmt::join(users, ", "))};
}

}  // namespace millrace::deployment
