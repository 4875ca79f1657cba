#pragma once

#include <chrono>
#include <string>

#include "component/credential.hpp"

namespace millrace::gateway {

/// What a webhook's caller must show.
struct Guard {
  enum class Auth { none, basic, bearer, api_key, hmac };

  Auth auth = Auth::none;
  std::string username;
  std::string secret;  ///< password, token or key; for hmac "whsec_" and the key in base64, several with spaces between
  std::string header;  ///< api_key: the header that carries the key (lower case); empty: the query parameter does
  std::string query;   ///< api_key
  std::chrono::milliseconds tolerance{0};  ///< hmac: how far webhook-timestamp may be from now
};

/// What a caller must show to a webhook that names a credential.
Guard guard_of(const component::Login& login, std::chrono::milliseconds tolerance);

}  // namespace millrace::gateway
