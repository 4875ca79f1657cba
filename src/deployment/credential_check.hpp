#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "component/action.hpp"
#include "credentials/shelf.hpp"
#include "flow/flow.hpp"
#include "flow/load.hpp"
#include "store/database.hpp"

namespace millrace::deployment {

/// Credentials by name: each with its type and, in the clear, its settings.
struct KnownCredential {
  std::string type;
  boost::json::object settings;
};
using KnownCredentials = std::map<std::string, KnownCredential>;
KnownCredentials known_credentials(const credentials::Shelf& shelf);

/// A step that names a credential.
struct CredentialNeed {
  std::string name;
  flow::Position at;
  std::string field;                                   ///< "steps[1].credential"
  std::string function;                                ///< of the step
  std::vector<std::string> types;                      ///< that the function takes; empty: nobody knows
  std::string component = {};                          ///< of the function
  std::optional<component::CredentialForm> form = {};  ///< of the component
};
/// Of all steps. On the loop, which the catalogue belongs to.
std::vector<CredentialNeed> credential_needs(const flow::Flow& flow, const component::Catalogue& catalogue);

/// What is wrong with the credentials that a flow names: one that is not there, is of a type that its step does not
/// take, or is another component's or lacks a field that this one requires.
flow::Problems credential_problems(const KnownCredentials& known, const std::vector<CredentialNeed>& needs);
/// The same by what the store has; in the transaction that publishes, what is published has its credentials.
Result<flow::Problems> credential_problems(store::Database& database, const std::vector<CredentialNeed>& needs);

}  // namespace millrace::deployment
