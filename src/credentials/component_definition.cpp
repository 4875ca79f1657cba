#include "credentials/component_definition.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/config.hpp"
#include "core/nearest.hpp"

namespace millrace::credentials {
namespace {

namespace json = boost::json;
using component::CredentialForm;
using component::Descriptor;

constexpr std::size_t fields_size_max = 64u << 10;

Error bad(std::string_view field, std::string_view what) {
  return {Error::Kind::invalid, fmt::format("\"{}\" {}", field, what)};
}

json::object object_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_object() ? found->get_object() : json::object();
}

Error unknown_component(const component::Catalogue* catalogue, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& function : catalogue == nullptr ? std::vector<component::Function>() : catalogue->all()) {
    const auto& descriptor = function.descriptor;
    if (descriptor.component == name && descriptor.program) return bad("component", name + " asks for no credential");
    const bool is_new = std::ranges::find(names, descriptor.component) == names.end();
    if (is_new && descriptor.credential_form) names.push_back(descriptor.component);
  }
  if (names.empty()) return bad("component", "names " + name + ", and no component here asks for a credential");
  return bad("component", fmt::format("names {}, which is not installed ({})", name, suggestion(name, names)));
}

/// Texts where the form's field is of another type: what a command line can give.
void convert(const CredentialForm& form, json::object& fields) {
  for (const auto& field : form.fields) {
    auto* value = fields.if_contains(field.name);
    if (value == nullptr) continue;
    using Type = component::Field::Type;
    const bool is_text = field.type == Type::text || field.type == Type::secret;
    if (is_text && (value->is_number() || value->is_bool())) *value = json::serialize(*value);
    if (field.type != Type::boolean || !value->is_string()) continue;
    if (value->get_string() == "true") *value = true;
    if (value->is_string() && value->get_string() == "false") *value = false;
  }
}

/// Checked, with defaults.
Result<json::object> checked(const CredentialForm& form, json::object fields) {
  convert(form, fields);
  if (json::serialize(fields).size() > fields_size_max) return bad("fields", "are longer than 64 KiB");
  Descriptor descriptor;
  descriptor.fields = form.fields;
  const auto config = component::Config::read(descriptor, fields);
  if (config) return config->values();
  auto error = config.error();
  constexpr std::string_view place = "config.";
  if (error.message.starts_with(place)) error.message = "\"fields." + error.message.substr(place.size());
  if (const auto end = error.message.find(": "); end != std::string::npos) error.message.replace(end, 2, "\" ");
  return error;
}

/// Those of the form's fields that are secret go with the secrets; their names are told.
void split(const CredentialForm& form, const json::object& fields, json::object& settings, json::object& secrets) {
  json::object shown;
  json::object hidden;
  json::array names;
  for (const auto& [name, value] : fields) {
    const auto* field = form.find(name);
    if (field != nullptr && !CredentialForm::is_secret(*field)) {
      shown[name] = value;
      continue;
    }
    hidden[name] = value;
    names.emplace_back(name);
  }
  settings["fields"] = std::move(shown);
  settings["secret_fields"] = std::move(names);
  secrets["fields"] = std::move(hidden);
}

/// A text of component.json with its `{{NAME}}` replaced.
class Template {
 public:
  Template(const Descriptor& descriptor, const json::object& fields) : descriptor_(descriptor), fields_(fields) {}

  Result<std::string> resolve(std::string_view member, std::string_view text) const {
    std::string out;
    while (!text.empty()) {
      const auto begin = text.find("{{");
      out += text.substr(0, begin);
      const auto end = begin == std::string_view::npos ? begin : text.find("}}", begin);
      if (end == std::string_view::npos) {
        if (begin != std::string_view::npos) out += text.substr(begin);
        return out;
      }
      auto name = text.substr(begin + 2, end - begin - 2);
      name.remove_prefix(std::min(name.size(), name.find_first_not_of(' ')));
      name = name.substr(0, name.find(' '));
      const auto value = value_of(name);
      if (!value) {
        return bad(member, fmt::format("is missing: component.json takes it from {{{{{0}}}}}, which is neither a field "
                                       "that is given nor a variable of {1} (install it with --env {0}=…)",
                                       name, descriptor_.component));
      }
      out += *value;
      text.remove_prefix(end + 2);
    }
    return out;
  }

 private:
  std::optional<std::string> value_of(std::string_view name) const {
    if (const auto* field = fields_.if_contains(name); field != nullptr && field->is_string()) {
      return std::string(field->get_string());
    }
    for (const auto& [variable, value] : descriptor_.program->environment) {
      if (variable == name) return value;
    }
    return std::nullopt;
  }

  const Descriptor& descriptor_;
  const json::object& fields_;
};

/// What the person has not said of OAuth 2.0, from component.json.
Status complete_oauth2(const Descriptor& descriptor, const json::object& fields, Definition& definition) {
  const auto& form = *descriptor.credential_form->oauth2;
  const Template known(descriptor, fields);
  const std::pair<std::string_view, const std::string&> members[] = {
      {"authorization_url", form.authorization_url},
      {"token_url", form.token_url},
      {"scope", form.scope},
      {"client_id", form.client_id},
      {"client_secret", form.client_secret},
  };
  for (const auto& [name, text] : members) {
    const auto all = fields_of(component::CredentialType::component);
    const auto field = std::ranges::find(all, name, &Field::name);
    auto& part = field->secret ? definition.secrets : definition.settings;
    if (part.contains(name) || text.empty()) continue;
    auto resolved = known.resolve(name, text);
    if (!resolved) return resolved.error();
    const json::value value(*resolved);
    if (auto fine = check_value(*field, value); !fine) return fine.error().in("component.json");
    part[name] = value;
  }
  for (const char* name : {"client_id", "token_url"}) {
    if (!definition.settings.contains(name)) return bad(name, "is missing: component.json leaves it open");
  }
  if (!definition.settings.contains("authorization_url") && !definition.secrets.contains("client_secret")) {
    return bad("client_secret", "is missing: component.json leaves it open");
  }
  auto parameters = form.authorization_parameters;
  for (const auto& [name, value] : object_of(definition.settings, "authorization_parameters")) parameters[name] = value;
  if (!parameters.empty()) definition.settings["authorization_parameters"] = std::move(parameters);
  return Done{};
}

/// A token that a component has got itself.
Status take_token(Credential& credential, std::string_view name, const json::value& value, std::int64_t now) {
  const auto* token = value.if_object();
  const auto* access = token == nullptr ? nullptr : token->if_contains("access_token");
  if (access == nullptr || !access->is_string()) return bad(name, "must be an object with an access_token");
  const auto old = credential.tokens.value_or(Tokens{});
  Tokens fresh{std::string(access->get_string()), old.refresh, now, 0, old.answer};
  for (const auto& [member, one] : *token) {
    if (member == "refresh_token" && one.is_string()) fresh.refresh = std::string(one.get_string());
    if (member == "expires_in" && one.is_number()) {
      constexpr double longest = 10.0 * 365 * 86'400;
      fresh.expires_at = now + static_cast<std::int64_t>(std::clamp(one.to_number<double>(), 0.0, longest) * 1000);
    }
    const bool own = member == "access_token" || member == "refresh_token" || member == "undefined_params";
    if (!own) fresh.answer[member] = one;
  }
  const bool same = fresh.access == old.access && fresh.refresh == old.refresh && fresh.answer == old.answer;
  if (!same) credential.renew(fresh);
  return Done{};
}

}  // namespace

const Descriptor* asking_for_credentials(const component::Catalogue& catalogue, std::string_view component) {
  for (const auto& function : catalogue.all()) {
    const auto& descriptor = function.descriptor;
    if (descriptor.component == component && descriptor.credential_form) return &descriptor;
  }
  return nullptr;
}

Result<Definition> complete_for_component(Definition definition, const component::Catalogue* catalogue) {
  const std::string name(definition.settings.at("component").get_string());
  const auto* descriptor = catalogue == nullptr ? nullptr : asking_for_credentials(*catalogue, name);
  if (descriptor == nullptr) return unknown_component(catalogue, name);
  const auto& form = *descriptor->credential_form;
  const auto fields = checked(form, object_of(definition.settings, "fields"));
  if (!fields) return fields.error();
  split(form, *fields, definition.settings, definition.secrets);
  if (form.oauth2) {
    if (auto fine = complete_oauth2(*descriptor, *fields, definition); !fine) return fine.error();
    return definition;
  }
  for (const auto& field : fields_of(definition.type)) {
    const bool oauth2 = field.name != "component" && field.name != "fields";
    if (oauth2 && (definition.settings.contains(field.name) || definition.secrets.contains(field.name))) {
      return bad(field.name, fmt::format("is about OAuth 2.0, which component.json of {} does not use", name));
    }
  }
  return definition;
}

std::vector<std::string> missing_fields(const CredentialForm& form, const json::object& settings) {
  const auto shown = object_of(settings, "fields");
  const auto* hidden = settings.if_contains("secret_fields");
  std::vector<std::string> missing;
  for (const auto& field : form.fields) {
    if (!field.required || shown.contains(field.name)) continue;
    const auto is_it = [&](const json::value& one) { return one == json::value(field.name); };
    if (hidden == nullptr || std::ranges::none_of(hidden->as_array(), is_it)) missing.push_back(field.name);
  }
  return missing;
}

Status take_keys(Credential& credential, const json::object& keys, const CredentialForm& form, std::int64_t now) {
  auto changed = credential;
  auto fields = credential.fields();
  bool has_fields = false;
  for (const auto& [name, value] : keys) {
    const bool is_token = credential.is_oauth2() && name == (form.token_field.empty() ? "oauth" : form.token_field);
    if (is_token) {
      if (auto taken = take_token(changed, name, value, now); !taken) return taken;
      continue;
    }
    if (credential.type != component::CredentialType::component) {
      return bad(
          name, fmt::format("cannot be changed by a component in a credential of type {}", to_string(credential.type)));
    }
    fields[name] = value;
    has_fields = true;
  }
  if (has_fields) {
    const auto fine = checked(form, fields);
    if (!fine) return fine.error();
    if (*fine != credential.fields()) {
      split(form, *fine, changed.settings, changed.secrets);
      ++changed.generation;
    }
  }
  credential = std::move(changed);
  return Done{};
}

}  // namespace millrace::credentials
