#include <map>
#include <set>

#include <fmt/format.h>

#include "flow/read_flow.hpp"

namespace millrace::flow {
namespace {

std::string place(const Position& at) {
  return fmt::format("{}:{}", at.file, at.line);
}

/// "/a/b/" and "a/b" are one address.
std::string normal_path(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

std::set<std::string> methods_of(const boost::json::object& config) {
  std::set<std::string> out;
  for (const char* name : {"methods", "method"}) {
    const auto* value = config.if_contains(name);
    if (value == nullptr) continue;
    if (value->is_string()) out.insert(std::string(value->get_string()));
    if (!value->is_array()) continue;
    for (const auto& item : value->get_array()) {
      if (item.is_string()) out.insert(std::string(item.get_string()));
    }
  }
  return out;
}

const boost::json::object* webhook_config(const Flow& flow, const component::Catalogue& catalogue) {
  for (const Step& step : flow.steps) {
    const auto* function = step.is_trigger ? catalogue.find(step.function) : nullptr;
    const bool webhook =
        function != nullptr && function->descriptor.kind == component::Descriptor::Kind::webhook_trigger;
    const auto* path = webhook ? step.config.if_contains("path") : nullptr;
    if (path != nullptr && path->is_string()) return &step.config;
  }
  return nullptr;
}

}  // namespace

Problems check_across(const std::vector<LoadedFlow>& flows, const component::Catalogue& catalogue) {
  Problems problems;
  std::map<std::string, const LoadedFlow*> names;
  std::map<std::pair<std::string, std::string>, const LoadedFlow*> addresses;
  for (const LoadedFlow& loaded : flows) {
    const std::string& name = loaded.flow.name;
    const auto [first, added] = names.emplace(name, &loaded);
    if (!added && !name.empty()) {
      problems.push_back(
          {loaded.name_at, "name",
           fmt::format("\"{}\" is already the name of the flow in {}", name, place(first->second->name_at)),
           "give one of them another name"});
    }
    const boost::json::object* config = webhook_config(loaded.flow, catalogue);
    if (config == nullptr) continue;
    const std::string path = normal_path(std::string_view(config->at("path").get_string()));
    for (const std::string& method : methods_of(*config)) {
      const auto [taken, free] = addresses.emplace(std::pair(path, method), &loaded);
      if (free) continue;
      problems.push_back({loaded.webhook_at, "config.path",
                          fmt::format("{} /{} is already the webhook of the flow \"{}\" in {}", method, path,
                                      taken->second->flow.name, place(taken->second->webhook_at)),
                          "choose another path or method"});
      break;
    }
  }
  return problems;
}

}  // namespace millrace::flow
