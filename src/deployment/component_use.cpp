#include "deployment/component_use.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "flow/document.hpp"
#include "flow/source.hpp"
#include "store/flows.hpp"

namespace millrace::deployment {
namespace {

bool is_of(const flow::Node& step, std::string_view component) {
  for (const char* key : {"trigger", "action"}) {
    const auto* function = step.kind == flow::Node::Kind::mapping ? step.find(key) : nullptr;
    if (function == nullptr) continue;
    const std::string_view name = function->text;
    if (name.substr(0, name.find('.')) == component) return true;
  }
  return false;
}

}  // namespace

bool uses_component(std::string_view flow_text, std::string_view component) {
  const flow::Source source("flow", std::string(flow_text));
  const auto documents = flow::parse_documents(source);
  if (!documents) return false;
  for (const auto& document : *documents) {
    const auto* steps = document->kind == flow::Node::Kind::mapping ? document->find("steps") : nullptr;
    if (steps == nullptr) continue;
    for (const auto& step : steps->items) {
      if (is_of(*step, component)) return true;
    }
  }
  return false;
}

Status check_unused(store::Database& database, const std::string& component) {
  const auto flows = store::Flows(database).in_use();
  if (!flows) return flows.error();
  std::vector<std::string> users;
  for (const auto& flow : *flows) {
    const auto uses = [&](const auto& version) { return uses_component(version.source, component); };
    if (std::any_of(flow.versions.begin(), flow.versions.end(), uses)) users.push_back(flow.name);
  }
  if (users.empty()) return Done{};
  return Error{Error::Kind::conflict,
               fmt::format("the component {} is used by {} {} (delete them, or deploy versions without it and wait until "
                           "those before are finished)",
                           component, users.size() == 1 ? "the flow" : "the flows", fmt::join(users, ", "))};
}

}  // namespace millrace::deployment
