#pragma once

#include <vector>

#include "component/descriptor.hpp"

namespace millrace::components {

/// The fields that every step that makes HTTP requests has: url, headers, query, auth, timeouts, TLS, redirects.
std::vector<component::Field> http_request_fields();
/// auth: basic needs a user name, auth: bearer a token.
Status check_http_auth(const boost::json::object& config);

/// What HTTP knows to log in with.
std::vector<component::CredentialType> http_credential_types();

}  // namespace millrace::components
