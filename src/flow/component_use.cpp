#include "flow/component_use.hpp"

#include <algorithm>
#include <string>

#include "flow/document.hpp"
#include "flow/source.hpp"

namespace millrace::flow {
namespace {

bool is_of(const Node& step, std::string_view component) {
  for (const char* key : {"trigger", "action"}) {
    const auto* function = step.kind == Node::Kind::mapping ? step.find(key) : nullptr;
    if (function == nullptr) continue;
    const std::string_view name = function->text;
    if (name.substr(0, name.find('.')) == component) return true;
  }
  return false;
}

}  // namespace

bool uses_component(std::string_view text, std::string_view component) {
  const Source source("flow", std::string(text));
  const auto documents = parse_documents(source);
  if (!documents) return false;
  for (const auto& document : *documents) {
    const auto* steps = document->kind == Node::Kind::mapping ? document->find("steps") : nullptr;
    if (steps == nullptr) continue;
    const auto uses = [&](const NodePtr& step) { return is_of(*step, component); };
    if (std::any_of(steps->items.begin(), steps->items.end(), uses)) return true;
  }
  return false;
}

}  // namespace millrace::flow
