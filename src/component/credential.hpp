#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "core/result.hpp"

namespace millrace::component {

/// What kinds of credentials there are. Which of them a trigger or action takes its Descriptor says.
enum class CredentialType {
  basic,                      ///< user name and password: HTTP Basic (RFC 7617), SMTP login
  bearer,                     ///< a token (RFC 6750)
  api_key,                    ///< a key in a header or a query parameter of its own
  oauth2_client_credentials,  ///< RFC 6749 §4.4
  oauth2_authorization_code,  ///< RFC 6749 §4.1 with PKCE (RFC 7636)
  webhook_secret,             ///< a key of Standard Webhooks (https://www.standardwebhooks.com)
  component,                  ///< what an installed component's own component.json asks for (CredentialForm)
};
std::span<const CredentialType> credential_types();
/// "oauth2_client_credentials"
std::string_view to_string(CredentialType type);
std::optional<CredentialType> credential_type(std::string_view text);

/// What a credential comes to right now: what is shown to a service, or asked of a caller. Never logged.
struct Login {
  CredentialType type = CredentialType::basic;
  std::string username;    ///< basic; for OAuth2 the user that a protocol wants named beside the token, or empty
  std::string secret;      ///< password, token, access token, key, or keys with spaces between them
  std::string header;      ///< api_key: the header that carries it; empty: the query parameter does
  std::string query;       ///< api_key
  std::string generation;  ///< another one for another secret
  std::chrono::milliseconds valid_for{3'600'000};  ///< from when it was told; then it has to be asked for again
  boost::json::object fields = {};                 ///< component: its own, by their names
  /// OAuth2: what the token endpoint has answered, for programs (access_token, refresh_token, instance_url …).
  boost::json::object token = {};
  std::vector<std::string> secret_fields = {};  ///< names of those of `fields` that are secret

  std::string to_json() const;
  static Result<Login> from_json(std::string_view text);
};

/// The text without the login's secrets, in whatever form they were sent: plain, percent-encoded, as JSON or as Basic.
/// Secrets shorter than eight characters stand in too many words, so they stay (the Basic form always goes).
std::string redacted(std::string text, const Login& login);

/// Where a step gets the login of the credential that it names. A worker asks the platform; whatever is new there is
/// known here after a few seconds. Errors: not_found (it was deleted), permission (a person has to authorise it
/// again), unavailable (its token cannot be had now). `done` is called once, on the loop, perhaps before the call
/// returns.
class CredentialSource {
 public:
  using Done = std::function<void(Result<Login>)>;

  virtual ~CredentialSource() = default;
  virtual void login(Done done) = 0;
  /// The service has refused this one: the one after it, or the same again (its generation tells) if there is none.
  virtual void refused(const Login& login, Done done) = 0;
  /// The step itself has changed it: what was known of it is over.
  virtual void changed() {}
};

}  // namespace millrace::component
