#include "deployment/credential_check.hpp"

#include <algorithm>
#include <vector>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "core/nearest.hpp"
#include "credentials/component_definition.hpp"
#include "store/credentials.hpp"

namespace millrace::deployment {
namespace {

constexpr std::string_view component_type = "component";

/// What `millrace credential set … --type` is given for what a step needs.
std::string type_option(const CredentialNeed& need) {
  if (need.types.empty()) return "TYPE";
  if (need.types.front() != component_type) return need.types.front();
  return fmt::format("component --component {}", need.component);
}

/// Why a credential of type component is not what the step needs; empty: it is.
std::string component_problem(const KnownCredential& credential, const CredentialNeed& need) {
  const auto* value = credential.settings.if_contains("component");
  const std::string whose(value != nullptr && value->is_string() ? std::string_view(value->get_string()) : "");
  if (whose != need.component) {
    return fmt::format("the credential \"{}\" is one of the component {}, not of {}", need.name, whose, need.component);
  }
  if (!need.form) return {};
  const auto missing = credentials::missing_fields(*need.form, credential.settings);
  if (missing.empty()) return {};
  return fmt::format("the credential \"{}\" lacks {}, which {} requires", need.name, fmt::join(missing, ", "), whose);
}

}  // namespace

std::vector<CredentialNeed> credential_needs(const flow::Flow& flow, const component::Catalogue& catalogue) {
  std::vector<CredentialNeed> needs;
  for (std::size_t i = 0; i < flow.steps.size(); ++i) {
    const auto& step = flow.steps[i];
    if (step.credential.empty()) continue;
    CredentialNeed need{step.credential, step.credential_at, fmt::format("steps[{}].credential", i), step.function, {}};
    if (const auto* function = catalogue.find(step.function); function != nullptr) {
      for (const auto type : function->descriptor.credential_types) need.types.emplace_back(to_string(type));
      need.component = function->descriptor.component;
      need.form = function->descriptor.credential_form;
    }
    needs.push_back(std::move(need));
  }
  return needs;
}

KnownCredentials known_credentials(const credentials::Shelf& shelf) {
  KnownCredentials known;
  for (const auto* credential : shelf.after("")) {
    known[credential->name] = {std::string(to_string(credential->type)), credential->settings};
  }
  return known;
}

flow::Problems credential_problems(const KnownCredentials& known, const std::vector<CredentialNeed>& needs) {
  std::vector<std::string> names;
  for (const auto& [name, credential] : known) names.push_back(name);
  flow::Problems problems;
  for (const auto& need : needs) {
    const auto found = known.find(need.name);
    const auto problem = [&](std::string what, std::string mend) {
      problems.push_back({need.at, need.field, std::move(what), std::move(mend)});
    };
    if (found == known.end()) {
      problem(fmt::format("there is no credential \"{}\"", need.name),
              fmt::format("set it: millrace credential set {} --type {}{}", need.name, type_option(need),
                          names.empty() ? "" : "; " + suggestion(need.name, names)));
    } else if (!need.types.empty() && std::ranges::find(need.types, found->second.type) == need.types.end()) {
      problem(fmt::format("the credential \"{}\" is of type {}, and {} takes {}", need.name, found->second.type,
                          need.function, fmt::join(need.types, ", ")),
              "name another one");
    } else if (found->second.type == component_type) {
      if (auto why = component_problem(found->second, need); !why.empty()) {
        problem(std::move(why),
                fmt::format("set it: millrace credential set {} --type {}", need.name, type_option(need)));
      }
    }
  }
  return problems;
}

Result<flow::Problems> credential_problems(store::Database& database, const std::vector<CredentialNeed>& needs) {
  if (needs.empty()) return flow::Problems{};
  const auto credentials = store::Credentials(database).all();
  if (!credentials) return credentials.error();
  KnownCredentials known;
  for (const auto& credential : *credentials) {
    boost::system::error_code failed;
    const auto settings = boost::json::parse(credential.settings, failed);
    known[credential.name] = {credential.type,
                              !failed && settings.is_object() ? settings.get_object() : boost::json::object()};
  }
  return credential_problems(known, needs);
}

}  // namespace millrace::deployment
