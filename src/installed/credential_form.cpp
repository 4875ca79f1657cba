#include "installed/credential_form.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "installed/fields.hpp"

namespace millrace::installed {
namespace {

namespace json = boost::json;
using component::CredentialForm;
using component::CredentialType;

std::string text_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// A list of texts, or one with spaces between them.
std::string scope_of(const json::object& from) {
  const auto* scopes = from.if_contains("scopes");
  if (scopes == nullptr || !scopes->is_array()) return text_of(from, "scopes");
  std::vector<std::string_view> texts;
  for (const auto& scope : scopes->get_array()) {
    if (scope.is_string()) texts.emplace_back(scope.get_string());
  }
  return fmt::format("{}", fmt::join(texts, " "));
}

CredentialForm::OAuth2 oauth2_of(const json::object& from) {
  CredentialForm::OAuth2 oauth2{text_of(from, "auth_uri"),
                                text_of(from, "token_uri"),
                                text_of(from, "client_id"),
                                text_of(from, "client_secret"),
                                scope_of(from),
                                {}};
  // What is beside these is the provider's own: access_type, prompt.
  for (const auto& [name, value] : from) {
    const bool known =
        name == "auth_uri" || name == "token_uri" || name == "client_id" || name == "client_secret" || name == "scopes";
    if (!known && value.is_string()) oauth2.authorization_parameters[name] = value;
  }
  return oauth2;
}

/// The field that holds the token of OAuth 2.0; empty if there is none.
std::string token_field_of(const json::object& fields) {
  for (const auto& [name, field] : fields) {
    if (text_of(field.get_object(), "viewClass") == "OAuthFieldView") return std::string(name);
  }
  return {};
}

bool has(const ComponentFile& file, std::string_view auth_client) {
  return std::ranges::find(file.auth_client_types, auth_client) != file.auth_client_types.end();
}

}  // namespace

std::optional<CredentialForm> credential_form_of(const ComponentFile& file) {
  if (file.credential_fields.empty() && file.oauth2.empty() && !has(file, "noauth")) return std::nullopt;
  CredentialForm form;
  form.fields = fields_of(file.credential_fields, "");
  form.token_field = token_field_of(file.credential_fields);
  if (file.oauth2.empty()) return form;
  form.oauth2 = oauth2_of(file.oauth2);
  std::erase_if(form.fields, [&](const auto& field) { return field.name == form.token_field; });
  if (form.token_field.empty()) form.token_field = "oauth";
  return form;
}

std::vector<CredentialType> credential_types_of(const ComponentFile& file) {
  std::vector<CredentialType> types;
  if (credential_form_of(file)) types.push_back(CredentialType::component);
  if (has(file, "basic")) types.push_back(CredentialType::basic);
  if (has(file, "api_key")) types.push_back(CredentialType::api_key);
  if (has(file, "oauth2")) {
    types.insert(types.end(), {CredentialType::oauth2_client_credentials, CredentialType::oauth2_authorization_code});
  }
  return types;
}

}  // namespace millrace::installed
