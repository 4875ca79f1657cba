#include "component/credential.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include "component/base64.hpp"
#include "component/json_text.hpp"

namespace millrace::component {
namespace {

namespace json = boost::json;
using enum CredentialType;

constexpr std::array<CredentialType, 7> all = {basic,
                                               bearer,
                                               api_key,
                                               oauth2_client_credentials,
                                               oauth2_authorization_code,
                                               webhook_secret,
                                               CredentialType::component};
constexpr std::array<std::string_view, 7> names = {
    "basic",          "bearer",   "api_key", "oauth2_client_credentials", "oauth2_authorization_code",
    "webhook_secret", "component"};

void replace_all(std::string& text, std::string_view what) {
  constexpr std::string_view mark = "[redacted]";
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + mark.size())) {
    text.replace(at, what.size(), mark);
  }
}

/// Secrets shorter than this stand in too many words.
constexpr std::size_t shortest = 8;

/// Takes it out in whatever form it was sent.
void hide(std::string& text, std::string_view secret) {
  if (secret.size() < shortest) return;
  replace_all(text, secret);
  const auto quoted = json_text::quoted(secret);
  replace_all(text, std::string_view(quoted).substr(1, quoted.size() - 2));
  replace_all(text, boost::urls::encode(secret, boost::urls::unreserved_chars));
}

/// All texts in it.
void hide_all(std::string& text, const json::value& secret) {
  if (secret.is_string()) return hide(text, secret.get_string());
  if (secret.is_array()) {
    for (const auto& one : secret.get_array()) hide_all(text, one);
  }
  if (secret.is_object()) {
    for (const auto& [name, one] : secret.get_object()) hide_all(text, one);
  }
}

}  // namespace

std::span<const CredentialType> credential_types() {
  return all;
}

std::string_view to_string(CredentialType type) {
  return names[static_cast<std::size_t>(type)];
}

std::optional<CredentialType> credential_type(std::string_view text) {
  const auto found = std::ranges::find(names, text);
  return found == names.end() ? std::nullopt : std::optional(all[static_cast<std::size_t>(found - names.begin())]);
}

std::string Login::to_json() const {
  json::object all{{"type", to_string(type)},
                   {"username", username},
                   {"secret", secret},
                   {"header", header},
                   {"query", query},
                   {"generation", generation},
                   {"valid_for_ms", valid_for.count()}};
  if (!fields.empty()) all["fields"] = fields;
  if (!token.empty()) all["token"] = token;
  if (!secret_fields.empty()) all["secret_fields"] = json::array(secret_fields.begin(), secret_fields.end());
  return json::serialize(all);
}

Result<Login> Login::from_json(std::string_view text) {
  const Error malformed{Error::Kind::invalid, "the platform's answer about a credential is not understood"};
  boost::system::error_code failed;
  const auto parsed = json::parse(text, failed);
  if (failed || !parsed.is_object()) return malformed;
  const auto& object = parsed.get_object();
  Login login;
  std::string type;
  for (const auto& [name, field] : {std::pair{"type", &type}, std::pair{"username", &login.username},
                                    std::pair{"secret", &login.secret}, std::pair{"header", &login.header},
                                    std::pair{"query", &login.query}, std::pair{"generation", &login.generation}}) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return malformed;
    *field = std::string(value->get_string());
  }
  for (const auto& [name, field] : {std::pair{"fields", &login.fields}, std::pair{"token", &login.token}}) {
    const auto* value = object.if_contains(name);
    if (value != nullptr && !value->is_object()) return malformed;
    if (value != nullptr) *field = value->get_object();
  }
  if (const auto* secrets = object.if_contains("secret_fields"); secrets != nullptr && secrets->is_array()) {
    for (const auto& one : secrets->get_array()) {
      if (one.is_string()) login.secret_fields.emplace_back(one.get_string());
    }
  }
  const auto known = credential_type(type);
  const auto* valid_for = object.if_contains("valid_for_ms");
  if (!known || valid_for == nullptr || !valid_for->is_int64()) return malformed;
  login.type = *known;
  login.valid_for = std::chrono::milliseconds(valid_for->get_int64());
  return login;
}

std::string redacted(std::string text, const Login& login) {
  if (login.type == basic && !login.secret.empty())
    replace_all(text, base64_encoded(login.username + ":" + login.secret));
  hide(text, login.secret);
  for (const auto& name : login.secret_fields) {
    if (const auto* value = login.fields.if_contains(name)) hide_all(text, *value);
  }
  for (const char* name : {"access_token", "refresh_token", "id_token"}) {
    if (const auto* value = login.token.if_contains(name)) hide_all(text, *value);
  }
  return text;
}

}  // namespace millrace::component
