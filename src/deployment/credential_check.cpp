#include "deployment/credential_check.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/nearest.hpp"
#include "store/credentials.hpp"

namespace millrace::deployment {

std::vector<CredentialNeed> credential_needs(const flow::Flow& flow, const component::Catalogue& catalogue) {
  std::vector<CredentialNeed> needs;
  for (std::size_t i = 0; i < flow.steps.size(); ++i) {
    const auto& step = flow.steps[i];
    if (step.credential.empty()) continue;
    CredentialNeed need{step.credential, step.credential_at, fmt::format("steps[{}].credential", i), step.function, {}};
    if (const auto* function = catalogue.find(step.function); function != nullptr) {
      for (const auto type : function->descriptor.credential_types) need.types.emplace_back(to_string(type));
    }
    needs.push_back(std::move(need));
  }
  return needs;
}

flow::Problems credential_problems(const CredentialTypes& known, const std::vector<CredentialNeed>& needs) {
  std::vector<std::string> names;
  for (const auto& [name, type] : known) names.push_back(name);
  flow::Problems problems;
  for (const auto& need : needs) {
    const auto found = known.find(need.name);
    if (found == known.end()) {
      const auto type = need.types.empty() ? "TYPE" : need.types.front();
      problems.push_back({need.at, need.field, fmt::format("there is no credential \"{}\"", need.name),
                          fmt::format("set it: millrace credential set {} --type {}{}", need.name, type,
                                      names.empty() ? "" : "; " + suggestion(need.name, names))});
    } else if (!need.types.empty() && std::ranges::find(need.types, found->second) == need.types.end()) {
      problems.push_back({need.at, need.field,
                          fmt::format("the credential \"{}\" is of type {}, and {} takes {}", need.name, found->second,
                                      need.function, fmt::join(need.types, ", ")),
                          "name another one"});
    }
  }
  return problems;
}

Result<flow::Problems> credential_problems(store::Database& database, const std::vector<CredentialNeed>& needs) {
  if (needs.empty()) return flow::Problems{};
  const auto credentials = store::Credentials(database).all();
  if (!credentials) return credentials.error();
  CredentialTypes known;
  for (const auto& credential : *credentials) known[credential.name] = credential.type;
  return credential_problems(known, needs);
}

}  // namespace millrace::deployment
