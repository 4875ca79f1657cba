#include "components/functions.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "components/timer/schedule_fields.hpp"
#include "installed/credential_form.hpp"
#include "installed/fields.hpp"
#include "installed/installation.hpp"

namespace millrace::installed {
namespace {

namespace json = boost::json;
using component::Descriptor;
using component::Field;

void add(std::vector<Field>& fields, std::vector<Field> more) {
  for (Field& field : more) {
    const bool known = std::any_of(fields.begin(), fields.end(), [&](const Field& f) { return f.name == field.name; });
    if (!known) fields.push_back(std::move(field));
  }
}

/// What comes out, in words, by the JSON schema.
std::string emits_of(const ComponentFile::Function& function, const std::string& full_name) {
  if (function.dynamic_metadata) {
    return fmt::format("What its config makes it; `millrace component metadata {}` asks it.", full_name);
  }
  if (!function.metadata_out.is_object()) return {};
  const auto& schema = function.metadata_out.get_object();
  const auto* properties = schema.if_contains("properties");
  if (properties == nullptr || !properties->is_object() || properties->get_object().empty()) {
    const auto* type = schema.if_contains("type");
    return type != nullptr && type->is_string() ? fmt::format("JSON, of type {}.", std::string_view(type->get_string()))
                                                : "JSON.";
  }
  std::vector<std::string> names;
  for (const auto& [name, property] : properties->get_object()) names.emplace_back(name);
  return fmt::format("{{{}}}.", fmt::join(names, ", "));
}

component::Program program_of(const Installation& installation, const ComponentFile::Function& function,
                              const std::optional<component::CredentialForm>& form) {
  using Protocol = component::Program::Protocol;
  component::Program program;
  program.protocol = installation.file.command.empty() ? Protocol::sailor : Protocol::lines;
  program.polls = function.polls;
  const auto& record = installation.record;
  program.folder = record.image.empty() ? installation.folder : record.image_folder;
  program.command = installation.file.command;
  program.function = function.name;
  program.environment = installation.record.environment;
  if (form) program.token_field = form->token_field;
  return program;
}

/// The step as it may stand in a flow: with what must be given.
component::Example example_of(const Descriptor& descriptor) {
  std::vector<std::string> given;
  if (descriptor.kind == Descriptor::Kind::polling_trigger) given.push_back("every: 5m");
  for (const Field& field : descriptor.fields) {
    const auto& replaced = descriptor.credential_replaces;
    if (!field.required || std::find(replaced.begin(), replaced.end(), field.name) != replaced.end()) continue;
    const bool free = field.type == Field::Type::object || field.type == Field::Type::any;
    const auto value = !field.choices.empty() ? fmt::format("\"{}\"", field.choices.front()) : free ? "{}" : "…";
    given.push_back(fmt::format("{}: {}", field.name, value));
  }
  auto text = fmt::format("- id: {}\n  {}: {}\n", descriptor.is_trigger() ? "start" : "step",
                          descriptor.is_trigger() ? "trigger" : "action", descriptor.full_name());
  if (!descriptor.is_trigger()) text += "  after: start\n";
  if (!given.empty()) text += "  config:\n";
  for (const auto& line : given) text += fmt::format("    {}\n", line);
  if (!descriptor.credential_types.empty()) text += fmt::format("  credential: {}\n", descriptor.component);
  return {"What has to be given", std::move(text)};
}

void set_kind(const ComponentFile::Function& function, Descriptor& it) {
  if (!function.is_trigger) return;
  if (function.polls) {
    it.kind = Descriptor::Kind::polling_trigger;
    add(it.fields, components::schedule_fields());
    it.check = components::check_schedule;
    return;
  }
  auto webhook = components::webhook_receive().descriptor;
  it.kind = Descriptor::Kind::webhook_trigger;
  add(it.fields, std::move(webhook.fields));
  it.check = std::move(webhook.check);
}

Descriptor descriptor_of(const Installation& installation, const ComponentFile::Function& function) {
  Descriptor it;
  it.component = installation.name;
  it.name = function.name;
  it.title = function.title.empty() ? function.name : function.title;
  it.summary = function.description.empty() ? it.title + "." : without_tags(function.description);
  if (function.deprecated) it.summary += " Deprecated.";
  set_kind(function, it);
  add(it.fields, fields_of(installation.file.credential_fields, it.full_name()));
  add(it.fields, fields_of(function.fields, it.full_name()));
  it.emits = emits_of(function, it.full_name());
  it.metadata = component::Metadata{function.metadata_in, function.metadata_out, function.dynamic_metadata};
  it.image = installation.record.image;
  it.credential_form = credential_form_of(installation.file);
  it.credential_types = credential_types_of(installation.file);
  for (const auto& [name, field] : installation.file.credential_fields) it.credential_replaces.emplace_back(name);
  it.program = program_of(installation, function, it.credential_form);
  it.examples = {example_of(it)};
  return it;
}

}  // namespace

std::vector<component::Function> functions_of(const Installation& installation) {
  std::vector<component::Function> all;
  for (const auto& function : installation.file.functions)
    all.push_back({descriptor_of(installation, function), nullptr});
  return all;
}

}  // namespace millrace::installed
