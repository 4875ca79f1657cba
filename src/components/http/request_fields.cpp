#include "components/http/request_fields.hpp"

namespace millrace::components {
using component::Field;

std::vector<Field> http_request_fields() {
  return {
      {.name = "url",
       .summary = "http:// or https:// address. May hold {{ expression }} templates: JSONata over the message; results "
                  "are percent-encoded, but for one at the very beginning.",
       .required = true,
       .templated = true},
      {.name = "headers",
       .type = Field::Type::text_map,
       .summary = "Headers to send; values may hold {{ }} templates. One that comes to nothing is left out.",
       .default_json = "{}",
       .templated = true},
      {.name = "query",
       .type = Field::Type::text_map,
       .summary =
           "Query parameters to add to the url, percent-encoded; values may hold {{ }} templates. One that comes "
           "to nothing is left out.",
       .default_json = "{}",
       .templated = true},
      {.name = "auth",
       .type = Field::Type::choice,
       .summary = "How to log in: not at all, with user and password (basic), or with a token (bearer).",
       .default_json = R"("none")",
       .choices = {"none", "basic", "bearer"}},
      {.name = "username", .summary = "User name for auth: basic."},
      {.name = "password", .type = Field::Type::secret, .summary = "Password for auth: basic."},
      {.name = "token", .type = Field::Type::secret, .summary = "Token for auth: bearer."},
      {.name = "timeout",
       .type = Field::Type::duration,
       .summary = "Longest time for a whole request, connecting and redirects included.",
       .default_json = R"("30s")",
       .minimum = 0.001,
       .maximum = 3600},
      {.name = "redirects_max",
       .type = Field::Type::integer,
       .summary = "How many redirects are followed; 0: none.",
       .default_json = "5",
       .minimum = 0,
       .maximum = 50},
      {.name = "tls_verify",
       .type = Field::Type::boolean,
       .summary = "Checks the server's certificate and name.",
       .default_json = "true"},
      {.name = "tls_ca_file", .summary = "PEM file of certificate authorities to trust instead of the system's."},
      {.name = "response_max",
       .type = Field::Type::size,
       .summary = "Largest response body; a larger one makes the message a dead letter.",
       .default_json = R"("10MB")",
       .minimum = 1,
       .maximum = 1e9},
  };
}

std::vector<component::CredentialType> http_credential_types() {
  using enum component::CredentialType;
  return {basic, bearer, api_key, oauth2_client_credentials, oauth2_authorization_code};
}

Status check_http_auth(const boost::json::object& config) {
  const auto auth = std::string_view(config.at("auth").get_string());
  if (auth == "basic" && !config.contains("username")) {
    return Error{Error::Kind::invalid, "username is needed for auth: basic"};
  }
  if (auth == "bearer" && !config.contains("token")) {
    return Error{Error::Kind::invalid, "token is needed for auth: bearer"};
  }
  return Done{};
}

}  // namespace millrace::components
