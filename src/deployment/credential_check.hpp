#pragma once

#include <map>
#include <string>
#include <vector>

#include "component/action.hpp"
#include "flow/flow.hpp"
#include "flow/load.hpp"
#include "store/database.hpp"

namespace millrace::deployment {

/// Credentials by name, each with its type.
using CredentialTypes = std::map<std::string, std::string>;

/// A step that names a credential.
struct CredentialNeed {
  std::string name;
  flow::Position at;
  std::string field;               ///< "steps[1].credential"
  std::string function;            ///< of the step
  std::vector<std::string> types;  ///< that the function takes; empty: nobody knows
};
/// Of all steps. On the loop, which the catalogue belongs to.
std::vector<CredentialNeed> credential_needs(const flow::Flow& flow, const component::Catalogue& catalogue);

/// What is wrong with the credentials that a flow names: one that is not there, or is of a type that its step does not
/// take.
flow::Problems credential_problems(const CredentialTypes& known, const std::vector<CredentialNeed>& needs);
/// The same by what the store has; in the transaction that publishes, what is published has its credentials.
Result<flow::Problems> credential_problems(store::Database& database, const std::vector<CredentialNeed>& needs);

}  // namespace millrace::deployment
