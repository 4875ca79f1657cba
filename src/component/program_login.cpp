#include "component/program_login.hpp"

#include <utility>

#include <boost/json/serialize.hpp>

namespace millrace::component {
namespace {

namespace json = boost::json;

/// The fields of a credential, by the names that Millrace has for them; those of an installed component by its own.
json::object fields_of(const std::string& token_field, const Login& login) {
  switch (login.type) {
    case CredentialType::basic:
      return {{"username", login.username}, {"password", login.secret}};
    case CredentialType::bearer:
      return {{"token", login.secret}};
    case CredentialType::api_key:
      if (login.header.empty()) return {{"key", login.secret}, {"query", login.query}};
      return {{"key", login.secret}, {"header", login.header}};
    case CredentialType::oauth2_client_credentials:
    case CredentialType::oauth2_authorization_code:
      return login.token;
    case CredentialType::webhook_secret:
      return {{"secret", login.secret}};
    case CredentialType::component:
      break;
  }
  auto fields = login.fields;
  if (!login.token.empty()) fields[token_field.empty() ? "oauth" : token_field] = login.token;
  return fields;
}

/// The token that there is, whoever has got it: the platform, or the component itself.
json::object token_of(const std::string& token_field, const Login& login) {
  if (!login.token.empty()) return login.token;
  const auto* own = token_field.empty() ? nullptr : login.fields.if_contains(token_field);
  return own != nullptr && own->is_object() ? own->get_object() : json::object();
}

/// What kind of secret elastic.io would call a component's own fields.
std::string_view kind_of(const json::object& fields) {
  if (fields.empty()) return "noauth";
  return fields.contains("username") && fields.contains("password") ? "basic" : "api_key";
}

json::object secret_attributes(const std::string& credential, const std::string& token_field, const Login& login) {
  json::object attributes{{"name", credential}, {"state", "ready"}};
  if (auto token = token_of(token_field, login); !token.empty()) {
    attributes["type"] = "oauth2";
    attributes["credentials"] = std::move(token);
  } else if (login.type == CredentialType::api_key && !login.header.empty()) {
    attributes["type"] = "api_key";
    attributes["credentials"] = {{"headerName", login.header}, {"headerValue", login.secret}};
  } else {
    auto fields = fields_of(token_field, login);
    attributes["type"] = login.type == CredentialType::basic ? "basic" : kind_of(fields);
    attributes["credentials"] = std::move(fields);
  }
  return attributes;
}

}  // namespace

json::object config_with_login(json::object config, const std::string& credential, const std::string& token_field,
                               const Login& login) {
  if (login.type == CredentialType::component) {
    for (const auto& [name, value] : fields_of(token_field, login)) config[name] = value;
  } else if (!login.token.empty() && !token_field.empty()) {
    config[token_field] = login.token;
  }
  config["_account"] = credential;
  config["secretId"] = credential;
  return config;
}

json::object login_for_lines(const std::string& credential, const std::string& token_field, const Login& login) {
  return {{"name", credential}, {"type", to_string(login.type)}, {"fields", fields_of(token_field, login)}};
}

std::string secret_document(const std::string& workspace, const std::string& credential, const std::string& token_field,
                            const Login& login) {
  const json::object relation{{"data", json::object{{"id", workspace}, {"type", "workspace"}}}};
  const json::object data{{"id", credential},
                          {"type", "auth-secret"},
                          {"attributes", secret_attributes(credential, token_field, login)},
                          {"relationships", json::object{{"workspace", relation}}}};
  return json::serialize(json::object{{"data", data}, {"meta", json::object()}});
}

}  // namespace millrace::component
