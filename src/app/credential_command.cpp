#include "app/credential_command.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/credential_desk.hpp"
#include "app/exit_code.hpp"
#include "app/secret_file.hpp"
#include "app/secret_input.hpp"
#include "credentials/definition.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

int exit_code_of(const Error& error) {
  switch (error.kind) {
    case Error::Kind::invalid:
      return ExitCode::usage;
    case Error::Kind::io:
    case Error::Kind::damaged:
    case Error::Kind::unsupported:
      return ExitCode::data_folder;
    default:
      return ExitCode::failed;
  }
}

int done_or_not(const Status& done) {
  if (done) return ExitCode::ok;
  fmt::print(stderr, "millrace: {}\n", done.error().message);
  return exit_code_of(done.error());
}

Result<json::object> parse_object(std::string_view text, const std::string& place) {
  boost::system::error_code failed;
  auto parsed = json::parse(text, failed);
  if (!failed && parsed.is_object()) return std::move(parsed.as_object());
  return Error{Error::Kind::invalid, fmt::format("{} is no JSON object", place)};
}

Result<json::object> parameters_of(const std::string& field, const std::vector<std::string>& given) {
  json::object object;
  for (const auto& one : given) {
    const auto equals = one.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{Error::Kind::invalid, fmt::format("{}: \"{}\" is not of the form NAME=VALUE", field, one)};
    }
    object[one.substr(0, equals)] = one.substr(equals + 1);
  }
  return object;
}

/// The names of what a component's credential keeps secret.
std::vector<std::string> secrets_of(const json::object& form) {
  std::vector<std::string> names;
  for (const auto& field : form.at("fields").as_array()) {
    if (field.at("secret").as_bool()) names.emplace_back(field.at("name").as_string());
  }
  const auto* oauth2 = form.at("oauth2").if_object();
  if (oauth2 != nullptr && oauth2->at("needs_client").as_bool()) names.emplace_back("client_secret");
  return names;
}

/// A terminal is asked for one after another; elsewhere one secret stands for itself, several are a JSON object.
Result<json::object> read_secrets(const CredentialOptions& options, const std::vector<std::string>& names) {
  json::object secrets;
  const bool one_by_one = names.size() == 1 || (options.secret_file.empty() && is_terminal());
  for (const auto& name : one_by_one ? names : std::vector<std::string>()) {
    const auto secret = read_secret(options.secret_file, name);
    if (!secret) return secret.error();
    if (!secret->empty()) secrets[name] = *secret;
  }
  if (one_by_one || names.empty()) return secrets;
  const auto text = read_secret(options.secret_file, "");
  if (!text) return text.error();
  if (text->empty()) return secrets;
  boost::system::error_code failed;
  auto parsed = json::parse(*text, failed);
  if (!failed && parsed.is_object()) return std::move(parsed.as_object());
  return Error{Error::Kind::invalid,
               fmt::format("give the secrets as a JSON object, {{\"{}\": …}}", fmt::join(names, "\": …, \""))};
}

/// The secrets of a component's credential, where they belong in its definition.
Status add_secrets(const CredentialOptions& options, CredentialDesk& desk, json::object& definition) {
  const auto component = options.settings.find("component");
  if (component == options.settings.end()) {
    return Error{Error::Kind::invalid, "name the component that asks for it: --component NAME"};
  }
  const auto form = desk.form(component->second);
  if (!form) return form.error();
  auto secrets = read_secrets(options, secrets_of(*form));
  if (!secrets) return secrets.error();
  auto& fields = definition.emplace("fields", json::object()).first->value().as_object();
  for (const auto& [name, value] : *secrets) (name == "client_secret" ? definition : fields)[name] = value;
  return Done{};
}

/// What was given as options, and the secret that the type has.
Result<json::object> definition_of(const CredentialOptions& options, CredentialDesk& desk) {
  if (!options.definition.empty()) {
    const auto text = read_secret(options.definition, "definition");
    if (!text) return text.error();
    return parse_object(*text, options.definition);
  }
  const auto type = component::credential_type(options.type);
  json::object definition{{"type", options.type}};
  for (const auto& [name, text] : options.settings) definition[name] = text;
  for (const auto& [name, given] : options.parameters) {
    if (given.empty()) continue;
    auto object = parameters_of(name, given);
    if (!object) return object.error();
    definition[name] = std::move(*object);
  }
  if (!type) return definition;  // whoever checks it names the types that there are
  if (*type == component::CredentialType::component) {
    auto added = add_secrets(options, desk, definition);
    return added ? Result<json::object>(definition) : added.error();
  }
  for (const auto& field : credentials::fields_of(*type)) {
    if (!field.secret) continue;
    const auto secret = read_secret(options.secret_file, std::string(field.name));
    if (!secret) return secret.error();
    if (!secret->empty()) definition[field.name] = *secret;
  }
  return definition;
}

std::string uses_of(const json::object& credential) {
  std::string text;
  for (const auto& entry : credential.at("used_by").as_array()) {
    const auto& use = entry.as_object();
    text +=
        fmt::format("{}{}@{}.{}", text.empty() ? "" : ", ", cell(use, "flow"), cell(use, "version"), cell(use, "step"));
  }
  return text.empty() ? "-" : text;
}

std::string verified_cell(const json::object& credential) {
  const auto* verification = credential.at("verification").if_object();
  if (verification == nullptr) return "-";
  return fmt::format("{} {}", verification->at("ok").as_bool() ? "ok" : "failed", time_cell(*verification, "at"));
}

void print(const json::object& credential) {
  std::vector<std::vector<std::string>> rows = {{"name", cell(credential, "name")}, {"type", cell(credential, "type")}};
  for (const auto& [name, value] : credential.at("settings").as_object()) {
    rows.push_back({std::string(name), cell(credential.at("settings").as_object(), name)});
  }
  rows.push_back({"state", cell(credential, "state")});
  rows.push_back({"problem", cell(credential, "problem")});
  rows.push_back({"token expires", time_cell(credential, "expires_at")});
  rows.push_back({"verified", verified_cell(credential)});
  if (const auto* verification = credential.at("verification").if_object()) {
    rows.push_back({"", cell(*verification, "message")});
  }
  rows.push_back({"used by", uses_of(credential)});
  rows.push_back({"set", time_cell(credential, "changed_at") + " by " + cell(credential, "changed_by")});
  print_table(rows);
}

}  // namespace

int set_credential(const CredentialOptions& options) {
  return done_or_not(with_credential_desk(options, Absent::create, [&](CredentialDesk& desk) -> Status {
    const auto definition = definition_of(options, desk);
    if (!definition) return definition.error();
    const auto set = desk.put(options.name, *definition);
    if (!set) return set.error();
    if (options.json) {
      fmt::print("{}\n", json::serialize(*set));
    } else {
      fmt::print("{}  {}  {}\n", options.name, cell(*set, "type"), cell(*set, "state"));
    }
    return Done{};
  }));
}

int list_credentials(const CredentialOptions& options) {
  return done_or_not(with_credential_desk(options, Absent::fail, [&](CredentialDesk& desk) -> Status {
    const auto credentials = desk.list();
    if (!credentials) return credentials.error();
    if (options.json) {
      fmt::print("{}\n", json::serialize(json::object{{"credentials", *credentials}}));
      return Done{};
    }
    std::vector<std::vector<std::string>> rows = {{"NAME", "TYPE", "STATE", "VERIFIED", "USED BY", "SET", "BY"}};
    for (const auto& entry : *credentials) {
      const auto& credential = entry.as_object();
      rows.push_back({cell(credential, "name"), cell(credential, "type"), cell(credential, "state"),
                      verified_cell(credential), uses_of(credential), time_cell(credential, "changed_at"),
                      cell(credential, "changed_by")});
    }
    print_table(rows);
    return Done{};
  }));
}

int show_credential(const CredentialOptions& options) {
  return done_or_not(with_credential_desk(options, Absent::fail, [&](CredentialDesk& desk) -> Status {
    const auto credential = desk.show(options.name);
    if (!credential) return credential.error();
    if (options.json) {
      fmt::print("{}\n", json::serialize(*credential));
    } else {
      print(*credential);
    }
    return Done{};
  }));
}

int delete_credential(const CredentialOptions& options) {
  return done_or_not(with_credential_desk(options, Absent::fail, [&](CredentialDesk& desk) -> Status {
    if (auto gone = desk.remove(options.name); !gone) return gone;
    fmt::print("{}  deleted\n", options.name);
    return Done{};
  }));
}

int verify_credential(const CredentialOptions& options) {
  bool ok = false;
  const int code = with_api(options.server, [&](ApiClient& client) -> Status {
    json::object body;
    for (const auto& [name, text] :
         {std::pair{"flow", options.flow}, std::pair{"step", options.step}, std::pair{"function", options.function}}) {
      if (!text.empty()) body[name] = text;
    }
    if (!options.config.empty()) {
      auto config = parse_object(options.config, "--config");
      if (!config) return config.error();
      body["config"] = std::move(*config);
    }
    const auto tried = client.ask({.method = "POST",
                                   .target = fmt::format("/v1/credentials/{}/verify", percent_encoded(options.name)),
                                   .body = json::serialize(body)});
    if (!tried) return tried.error();
    const auto& verdict = tried->body.as_object();
    ok = verdict.at("ok").as_bool();
    if (options.json) {
      fmt::print("{}\n", json::serialize(verdict));
    } else {
      fmt::print("{}  {}  {}: {}\n", options.name, ok ? "ok" : "failed", cell(verdict, "function"),
                 cell(verdict, "message"));
    }
    return Done{};
  });
  return code == ExitCode::ok && !ok ? int(ExitCode::failed) : code;
}

int authorize_credential(const CredentialOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto begun = client.ask(
        {.method = "POST", .target = fmt::format("/v1/credentials/{}/authorize", percent_encoded(options.name))});
    if (!begun) return begun.error();
    const auto& body = begun->body.as_object();
    if (options.json) {
      fmt::print("{}\n", json::serialize(body));
      return Done{};
    }
    fmt::print("{}\n", cell(body, "authorization_url"));
    fmt::print(stderr, "open this address in a browser within ten minutes; it leads back to {}\n",
               cell(body, "redirect_url"));
    return Done{};
  });
}

}  // namespace millrace::app
