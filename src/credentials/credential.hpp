#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "component/credential.hpp"
#include "core/result.hpp"
#include "credentials/vault.hpp"
#include "store/credentials.hpp"

namespace millrace::credentials {

enum class State {
  ready,                 ///< has what it takes to log in
  authorization_needed,  ///< a person has to agree, for the first time or again
  failing,               ///< its token cannot be had now; it is tried again
};
std::string_view to_string(State state);

/// Tokens of OAuth 2.0. Times are ms since the Unix epoch.
struct Tokens {
  std::string access;
  std::string refresh;  ///< or empty
  std::int64_t issued_at = 0;
  std::int64_t expires_at = 0;      ///< 0: nobody said when
  boost::json::object answer = {};  ///< what else the token endpoint has said: token_type, instance_url …
};

/// A person's visit to the authorization server that has begun (RFC 6749 §4.1.1, RFC 7636 §4.1).
struct Visit {
  std::string state;
  std::string verifier;
  std::string redirect_url;
  std::int64_t expires_at = 0;
};

/// How a credential gets its tokens (RFC 6749 §1.3).
enum class Grant {
  none,  ///< it has none
  client_credentials,
  authorization_code,  ///< a person has to agree
};

/// A credential with its secrets, in memory only. One of type `component` has its own fields at "fields" of settings
/// and of secrets, whose names are in settings, too ("component", "secret_fields").
struct Credential {
  std::string name;
  component::CredentialType type = component::CredentialType::basic;
  boost::json::object settings;  ///< as a person set them, without secrets
  boost::json::object secrets;   ///< as a person set them
  std::optional<Tokens> tokens = {};
  std::optional<Visit> visit = {};
  std::int64_t revision = 0;
  std::int64_t generation = 0;
  State state = State::ready;
  std::string problem = {};       ///< a sentence, without secrets; empty: nothing is the matter
  std::string verification = {};  ///< JSON; empty: none was made
  std::string created_by = {};
  std::int64_t created_at = 0;
  std::string changed_by = {};
  std::int64_t changed_at = 0;

  Grant grant() const;
  bool is_oauth2() const { return grant() != Grant::none; }
  /// Of type `component`: whose it is; otherwise empty.
  std::string component() const;
  /// Of type `component`: all of its fields, with their secrets.
  boost::json::object fields() const;
  /// New tokens have come: whatever was the matter is over.
  void renew(const Tokens& fresh);
  std::string text(std::string_view setting) const;  ///< of a setting or a secret; empty if it is not set
};

/// What the store keeps, and back. Error::damaged names the credential that the vault's key does not open.
store::CredentialRecord sealed(const Credential& credential, const Vault& vault);
Result<Credential> opened(const store::CredentialRecord& record, const Vault& vault);

/// What to log in with at the time `now` (ms since the Unix epoch); none: an OAuth 2.0 one without a token. An access
/// token is good until shortly before it expires.
std::optional<component::Login> login_of(const Credential& credential, std::int64_t now);

/// For those that may see it: everything but secrets.
boost::json::object to_json(const Credential& credential);

}  // namespace millrace::credentials
