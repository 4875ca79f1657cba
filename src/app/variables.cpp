#include "app/variables.hpp"

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace millrace::app {

Result<flow::Variables> variables(const std::string& env_file) {
  auto values = std::make_shared<std::map<std::string, std::string, std::less<>>>();
  if (!env_file.empty()) {
    auto read = flow::read_env_file(env_file);
    if (!read) return read.error();
    for (auto& [name, value] : *read) values->insert_or_assign(std::move(name), std::move(value));
  }
  return flow::Variables([values](std::string_view name) -> std::optional<std::string> {
    if (name.starts_with("MILLRACE_")) return std::nullopt;
    if (const char* set = std::getenv(std::string(name).c_str()); set != nullptr) return set;
    const auto found = values->find(name);
    return found == values->end() ? std::nullopt : std::optional(found->second);
  });
}

}  // namespace millrace::app
