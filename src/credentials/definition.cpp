#include "credentials/definition.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "component/base64.hpp"
#include "credentials/component_definition.hpp"

namespace millrace::credentials {
namespace {

namespace json = boost::json;
using component::CredentialType;
using Type = Field::Type;

constexpr std::size_t value_size_max = 16u << 10;

constexpr std::array basic_fields = {Field{"username", Type::text, false, true, "The user's name."},
                                     Field{"password", Type::text, true, true, "The user's password."}};
constexpr std::array bearer_fields = {Field{"token", Type::text, true, true, "The token, without the word Bearer."}};
constexpr std::array api_key_fields = {
    Field{"key", Type::text, true, true, "The key."},
    Field{"header", Type::header, false, false, "The header that carries it."},
    Field{"query", Type::text, false, false, "The query parameter that carries it, instead of a header."}};
constexpr std::array client_fields = {
    Field{"token_url", Type::url, false, true, "The token endpoint."},
    Field{"client_id", Type::text, false, true, "Who we are there."},
    Field{"client_secret", Type::text, true, true, "What proves it."},
    Field{"scope", Type::text, false, false, "What to ask for, separated by spaces."},
    Field{"client_authentication", Type::choice, false, false,
          "How the token endpoint is shown the client: basic (its header) or body."},
    Field{"token_parameters", Type::text_map, false, false,
          "Further parameters for the token endpoint, such as audience."},
    Field{"username", Type::text, false, false, "The user that a mail server wants named beside the token."}};
constexpr std::array code_fields = {
    Field{"authorization_url", Type::url, false, true, "Where a person agrees."},
    Field{"token_url", Type::url, false, true, "The token endpoint."},
    Field{"client_id", Type::text, false, true, "Who we are there."},
    Field{"client_secret", Type::text, true, false, "What proves it; a public client has none."},
    Field{"scope", Type::text, false, false, "What to ask for, separated by spaces."},
    Field{"client_authentication", Type::choice, false, false,
          "How the token endpoint is shown the client: basic (its header) or body."},
    Field{"authorization_parameters", Type::text_map, false, false,
          "Further parameters of the address where a person agrees, such as access_type."},
    Field{"token_parameters", Type::text_map, false, false, "Further parameters for the token endpoint."},
    Field{"username", Type::text, false, false, "The user that a mail server wants named beside the token."}};
constexpr std::array component_fields = {
    Field{"component", Type::text, false, true, "Which installed component asks for it."},
    Field{"fields", Type::object, false, false,
          "What its component.json asks for, by name (`millrace component show` lists it)."},
    Field{"authorization_url", Type::url, false, false, "Where a person agrees, if component.json leaves it open."},
    Field{"token_url", Type::url, false, false, "The token endpoint, if component.json leaves it open."},
    Field{"client_id", Type::text, false, false, "Who we are there, if component.json leaves it open."},
    Field{"client_secret", Type::text, true, false, "What proves it."},
    Field{"scope", Type::text, false, false, "What to ask for instead of what component.json says."},
    Field{"client_authentication", Type::choice, false, false,
          "How the token endpoint is shown the client: basic (its header) or body."},
    Field{"authorization_parameters", Type::text_map, false, false,
          "Further parameters of the address where a person agrees, such as access_type."},
    Field{"token_parameters", Type::text_map, false, false, "Further parameters for the token endpoint."}};
constexpr std::array webhook_fields = {
    Field{"secret", Type::text, true, true, "\"whsec_\" and the key in Base64; several with spaces between them."}};

Error bad(std::string_view field, std::string_view wanted) {
  return {Error::Kind::invalid, fmt::format("\"{}\" {}", field, wanted)};
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_header_name(std::string_view text) {
  constexpr std::string_view special = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || special.find(c) != std::string_view::npos;
  });
}

Status check_text(const Field& field, const json::value& value) {
  if (!value.is_string()) return bad(field.name, "must be text");
  const std::string_view text = value.get_string();
  if (text.empty()) return bad(field.name, "must not be empty");
  if (text.size() > value_size_max) return bad(field.name, "is longer than 16 KiB");
  if (has_control(text)) return bad(field.name, "must be one line, without control characters");
  if (field.type == Type::header && !is_header_name(text)) return bad(field.name, "must be the name of a header");
  if (field.type == Type::choice && text != "basic" && text != "body") return bad(field.name, "must be basic or body");
  if (field.type == Type::url) {
    const auto url = boost::urls::parse_uri(text);
    if (!url || (url->scheme() != "https" && url->scheme() != "http") || url->has_userinfo()) {
      return bad(field.name, "must be an https:// or http:// address without a user in it");
    }
  }
  return Done{};
}

Status check_map(const Field& field, const json::value& value) {
  if (!value.is_object()) return bad(field.name, "must be an object of texts");
  for (const auto& [name, text] : value.get_object()) {
    if (!text.is_string() || text.get_string().size() > value_size_max) {
      return bad(field.name, "must be an object of texts");
    }
  }
  return Done{};
}

/// What no field by itself can tell.
Status check_whole(Definition& definition) {
  if (definition.type == CredentialType::basic) {
    const auto& username = definition.settings.at("username").get_string();
    if (username.find(':') != json::string::npos) return bad("username", "must not hold a colon (RFC 7617)");
  }
  if (definition.type == CredentialType::api_key) {
    const bool header = definition.settings.contains("header");
    if (header && definition.settings.contains("query")) return bad("query", "stands beside \"header\": keep one");
    if (!header && !definition.settings.contains("query")) definition.settings["header"] = "X-API-Key";
  }
  if (definition.type != CredentialType::webhook_secret) return Done{};
  std::string_view keys = definition.secrets.at("secret").get_string();
  while (!keys.empty()) {
    auto key = keys.substr(0, keys.find(' '));
    keys.remove_prefix(std::min(keys.size(), key.size() + 1));
    if (key.starts_with("whsec_")) key.remove_prefix(6);
    const auto bytes = component::base64_decoded(key);
    if (!bytes || bytes->empty()) return bad("secret", "must be \"whsec_\" and a key in Base64");
  }
  return Done{};
}

Result<CredentialType> type_of(const json::object& given) {
  const auto* value = given.if_contains("type");
  const auto type = value != nullptr && value->is_string()
                        ? component::credential_type(std::string_view(value->get_string()))
                        : std::nullopt;
  if (type) return *type;
  std::vector<std::string_view> names;
  for (const auto known : component::credential_types()) names.push_back(to_string(known));
  return bad("type", fmt::format("must be one of {}", fmt::join(names, ", ")));
}

}  // namespace

std::span<const Field> fields_of(CredentialType type) {
  switch (type) {
    case CredentialType::basic:
      return basic_fields;
    case CredentialType::bearer:
      return bearer_fields;
    case CredentialType::api_key:
      return api_key_fields;
    case CredentialType::oauth2_client_credentials:
      return client_fields;
    case CredentialType::oauth2_authorization_code:
      return code_fields;
    case CredentialType::webhook_secret:
      return webhook_fields;
    case CredentialType::component:
      return component_fields;
  }
  return {};
}

Status check_value(const Field& field, const json::value& value) {
  if (field.type == Type::object) return value.is_object() ? Status(Done{}) : bad(field.name, "must be an object");
  return field.type == Type::text_map ? check_map(field, value) : check_text(field, value);
}

Result<Definition> read_definition(const json::object& given, const component::Catalogue* catalogue) {
  const auto type = type_of(given);
  if (!type) return type.error();
  Definition definition{*type, {}, {}};
  const auto fields = fields_of(*type);
  for (const auto& [name, value] : given) {
    if (name == "type") continue;
    const auto field = std::ranges::find(fields, std::string_view(name), &Field::name);
    if (field == fields.end()) {
      std::vector<std::string_view> names;
      for (const auto& known : fields) names.push_back(known.name);
      return bad(name, fmt::format("is no field of a credential of type {}: there are {}", to_string(*type),
                                   fmt::join(names, ", ")));
    }
    if (value.is_null()) continue;
    if (auto fine = check_value(*field, value); !fine) return fine.error();
    (field->secret ? definition.secrets : definition.settings)[name] = value;
  }
  for (const auto& field : fields) {
    const auto& part = field.secret ? definition.secrets : definition.settings;
    if (field.required && !part.contains(field.name))
      return bad(field.name, "is missing: " + std::string(field.summary));
  }
  if (*type == CredentialType::component) return complete_for_component(std::move(definition), catalogue);
  if (auto fine = check_whole(definition); !fine) return fine.error();
  return definition;
}

}  // namespace millrace::credentials
