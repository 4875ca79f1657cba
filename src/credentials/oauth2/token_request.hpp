#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "credentials/credential.hpp"
#include "io/transfers.hpp"

namespace millrace::credentials::oauth2 {

/// Why there is no token.
struct TokenFault {
  /// The grant (refresh token, code) or the client is not taken: asking the same again is of no use (RFC 6749 §5.2).
  bool refused = false;
  std::string message;  ///< a sentence without secrets
};

/// The client shows itself by HTTP Basic or in the body (RFC 6749 §2.3.1), as the credential says.
io::HttpCall refresh_call(const Credential& credential);  ///< §6, or §4.4 without a refresh token
io::HttpCall code_call(const Credential& credential, const Visit& visit, const std::string& code);  ///< §4.1.3

/// The tokens of a response (§5.1); a refresh token that is not replaced stays. `now`: when it was asked for.
Result<Tokens, TokenFault> read_tokens(const Credential& credential, const io::HttpAnswer& answer, std::int64_t now);

/// A new visit, with a state and a verifier of 256 random bits each.
Visit new_visit(const std::string& redirect_url, std::int64_t expires_at);
/// Where a person is sent (§4.1.1), with the verifier's S256 challenge (RFC 7636 §4.2).
std::string authorization_url(const Credential& credential, const Visit& visit);

/// What a server says, for people: without control characters, and no longer than a sentence or two.
std::string printable(std::string text);

}  // namespace millrace::credentials::oauth2
