#include "credentials/credential.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace millrace::credentials {
namespace {

namespace json = boost::json;
using component::CredentialType;
using component::Login;

State state_of(std::string_view text) {
  if (text == "authorization_needed") return State::authorization_needed;
  return text == "failing" ? State::failing : State::ready;
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

json::object object_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : json::object();
}

/// A token as programs of elastic.io's kind know it: what the endpoint said, and what no standard names once more in
/// `undefined_params`.
json::object token_of(const Tokens& tokens) {
  auto token = tokens.answer;
  json::object others;
  for (const auto& [name, value] : tokens.answer) {
    if (name != "token_type" && name != "expires_in" && name != "scope" && name != "id_token") others[name] = value;
  }
  if (!others.empty()) token["undefined_params"] = std::move(others);
  token["access_token"] = tokens.access;
  if (!tokens.refresh.empty()) token["refresh_token"] = tokens.refresh;
  return token;
}

/// All that is secret, as one text.
std::string secret_part(const Credential& credential) {
  json::object all{{"secrets", credential.secrets}};
  if (const auto& tokens = credential.tokens) {
    all["tokens"] = {{"access", tokens->access},
                     {"refresh", tokens->refresh},
                     {"issued_at", tokens->issued_at},
                     {"expires_at", tokens->expires_at}};
    if (!tokens->answer.empty()) all["tokens"].as_object()["answer"] = tokens->answer;
  }
  if (const auto& visit = credential.visit) {
    all["visit"] = {{"state", visit->state},
                    {"verifier", visit->verifier},
                    {"redirect_url", visit->redirect_url},
                    {"expires_at", visit->expires_at}};
  }
  return json::serialize(all);
}

void read_secret_part(const json::object& all, Credential& credential) {
  if (const auto* secrets = all.if_contains("secrets"); secrets != nullptr && secrets->is_object()) {
    credential.secrets = secrets->get_object();
  }
  if (const auto* value = all.if_contains("tokens"); value != nullptr && value->is_object()) {
    const auto& tokens = value->get_object();
    credential.tokens = Tokens{text_of(tokens, "access"), text_of(tokens, "refresh"), number_of(tokens, "issued_at"),
                               number_of(tokens, "expires_at"), object_of(tokens, "answer")};
  }
  if (const auto* value = all.if_contains("visit"); value != nullptr && value->is_object()) {
    const auto& visit = value->get_object();
    credential.visit = Visit{text_of(visit, "state"), text_of(visit, "verifier"), text_of(visit, "redirect_url"),
                             number_of(visit, "expires_at")};
  }
}

/// How long before its end a token is no longer shown, so that it does not end on its way.
std::int64_t margin_of(const Tokens& tokens) {
  constexpr std::int64_t longest = 60'000;
  return std::min(longest, std::max<std::int64_t>(0, tokens.expires_at - tokens.issued_at) / 4);
}

json::value or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::ready:
      return "ready";
    case State::authorization_needed:
      return "authorization_needed";
    case State::failing:
      return "failing";
  }
  return "ready";
}

Grant Credential::grant() const {
  if (type == CredentialType::oauth2_client_credentials) return Grant::client_credentials;
  if (type == CredentialType::oauth2_authorization_code) return Grant::authorization_code;
  if (type != CredentialType::component || !settings.contains("token_url")) return Grant::none;
  return settings.contains("authorization_url") ? Grant::authorization_code : Grant::client_credentials;
}

std::string Credential::component() const {
  return type == CredentialType::component ? text_of(settings, "component") : std::string();
}

json::object Credential::fields() const {
  auto all = object_of(settings, "fields");
  for (const auto& [secret, value] : object_of(secrets, "fields")) all[secret] = value;
  return all;
}

void Credential::renew(const Tokens& fresh) {
  tokens = fresh;
  ++generation;
  state = State::ready;
  problem.clear();
}

std::string Credential::text(std::string_view setting) const {
  return settings.contains(setting) ? text_of(settings, setting) : text_of(secrets, setting);
}

store::CredentialRecord sealed(const Credential& credential, const Vault& vault) {
  return {credential.name,
          std::string(to_string(credential.type)),
          json::serialize(credential.settings),
          vault.seal(secret_part(credential), "credential/" + credential.name),
          credential.revision,
          credential.generation,
          std::string(to_string(credential.state)),
          credential.problem,
          credential.verification,
          credential.created_by,
          credential.created_at,
          credential.changed_by,
          credential.changed_at};
}

Result<Credential> opened(const store::CredentialRecord& record, const Vault& vault) {
  const Error damaged{Error::Kind::damaged,
                      fmt::format("the credential {} is damaged (set it again, or restore the store)", record.name)};
  const auto type = component::credential_type(record.type);
  if (!type) return damaged;
  const auto text = vault.open(record.sealed, "credential/" + record.name);
  if (!text) return damaged;
  boost::system::error_code failed;
  const auto secret_parts = json::parse(*text, failed);
  if (failed || !secret_parts.is_object()) return damaged;
  const auto settings = json::parse(record.settings, failed);
  if (failed || !settings.is_object()) return damaged;
  Credential credential;
  credential.name = record.name;
  credential.type = *type;
  credential.settings = settings.get_object();
  read_secret_part(secret_parts.get_object(), credential);
  credential.revision = record.revision;
  credential.generation = record.generation;
  credential.state = state_of(record.state);
  credential.problem = record.problem;
  credential.verification = record.verification;
  credential.created_by = record.created_by;
  credential.created_at = record.created_at;
  credential.changed_by = record.changed_by;
  credential.changed_at = record.changed_at;
  return credential;
}

std::optional<Login> login_of(const Credential& credential, std::int64_t now) {
  Login login;
  login.type = credential.type;
  login.username = credential.text("username");
  login.generation = fmt::format("{}.{}", credential.revision, credential.generation);
  switch (credential.type) {
    case CredentialType::basic:
      login.secret = credential.text("password");
      return login;
    case CredentialType::bearer:
      login.secret = credential.text("token");
      return login;
    case CredentialType::api_key:
      login.secret = credential.text("key");
      login.header = credential.text("header");
      login.query = credential.text("query");
      return login;
    case CredentialType::webhook_secret:
      login.secret = credential.text("secret");
      return login;
    case CredentialType::component:
      login.fields = credential.fields();
      for (const auto& [name, value] : object_of(credential.secrets, "fields")) login.secret_fields.emplace_back(name);
      if (!credential.is_oauth2()) return login;
      break;
    case CredentialType::oauth2_client_credentials:
    case CredentialType::oauth2_authorization_code:
      break;
  }
  const auto& tokens = credential.tokens;
  if (!tokens || tokens->access.empty()) return std::nullopt;
  login.secret = tokens->access;
  login.token = token_of(*tokens);
  if (tokens->expires_at == 0) return login;
  const auto good_until = tokens->expires_at - margin_of(*tokens);
  if (now >= good_until) return std::nullopt;
  login.valid_for = std::chrono::milliseconds(good_until - now);
  return login;
}

json::object to_json(const Credential& credential) {
  json::object object{{"name", credential.name},
                      {"type", to_string(credential.type)},
                      {"settings", credential.settings},
                      {"revision", credential.revision},
                      {"state", to_string(credential.state)},
                      {"problem", or_null(credential.problem)},
                      {"expires_at", nullptr},
                      {"verification", nullptr},
                      {"created_by", credential.created_by},
                      {"created_at", credential.created_at},
                      {"changed_by", credential.changed_by},
                      {"changed_at", credential.changed_at}};
  if (credential.tokens && credential.tokens->expires_at > 0) object["expires_at"] = credential.tokens->expires_at;
  boost::system::error_code failed;
  if (auto verification = json::parse(credential.verification, failed); !failed) object["verification"] = verification;
  return object;
}

}  // namespace millrace::credentials
