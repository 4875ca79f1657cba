#include "component/descriptor_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace millrace::component {
namespace {

boost::json::array fields_json(const std::vector<Field>& fields) {
  boost::json::array out;
  for (const Field& field : fields) {
    boost::json::object one{{"name", field.name},
                            {"type", type_name(field.type)},
                            {"summary", field.summary},
                            {"required", field.required}};
    boost::system::error_code error;
    const auto value = boost::json::parse(field.default_json, error);
    if (!error) one["default"] = value;
    if (!field.choices.empty()) one["choices"] = boost::json::array(field.choices.begin(), field.choices.end());
    if (field.minimum) one["minimum"] = *field.minimum;
    if (field.maximum) one["maximum"] = *field.maximum;
    if (!field.fields.empty()) one["fields"] = fields_json(field.fields);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

std::string_view kind_name(Descriptor::Kind kind) {
  switch (kind) {
    case Descriptor::Kind::webhook_trigger:
      return "webhook trigger";
    case Descriptor::Kind::timer_trigger:
      return "timer trigger";
    case Descriptor::Kind::polling_trigger:
      return "polling trigger";
    case Descriptor::Kind::action:
      return "action";
  }
  return "unknown";
}

std::string_view type_name(Field::Type type) {
  switch (type) {
    case Field::Type::text:
      return "text";
    case Field::Type::integer:
      return "integer";
    case Field::Type::number:
      return "number";
    case Field::Type::boolean:
      return "boolean";
    case Field::Type::duration:
      return "duration";
    case Field::Type::size:
      return "size";
    case Field::Type::expression:
      return "expression";
    case Field::Type::secret:
      return "secret";
    case Field::Type::choice:
      return "choice";
    case Field::Type::object:
      return "object";
    case Field::Type::text_map:
      return "text map";
    case Field::Type::list:
      return "list";
    case Field::Type::any:
      return "any";
  }
  return "unknown";
}

boost::json::object credential_form_json(const CredentialForm& form) {
  auto fields = fields_json(form.fields);
  for (std::size_t i = 0; i < form.fields.size(); ++i) {
    fields[i].as_object()["secret"] = CredentialForm::is_secret(form.fields[i]);
  }
  boost::json::object json{{"fields", std::move(fields)}, {"oauth2", nullptr}, {"token_field", form.token_field}};
  if (const auto& oauth2 = form.oauth2) {
    json["oauth2"] = {{"authorization_url", oauth2->authorization_url},
                      {"token_url", oauth2->token_url},
                      {"scope", oauth2->scope},
                      {"needs_client", oauth2->client_id.empty()}};
  }
  return json;
}

boost::json::object descriptor_json(const Descriptor& descriptor) {
  boost::json::array examples;
  for (const Example& example : descriptor.examples) {
    examples.push_back(boost::json::object{{"title", example.title}, {"yaml", example.flow_yaml}});
  }
  boost::json::array credential_types;
  for (const auto type : descriptor.credential_types) credential_types.emplace_back(to_string(type));
  boost::json::object json{{"name", descriptor.full_name()},
                           {"kind", kind_name(descriptor.kind)},
                           {"title", descriptor.title},
                           {"summary", descriptor.summary},
                           {"fields", fields_json(descriptor.fields)},
                           {"emits", descriptor.emits},
                           {"credential_types", std::move(credential_types)},
                           {"examples", std::move(examples)}};
  if (const auto& form = descriptor.credential_form) json["credential"] = credential_form_json(*form);
  if (const auto& metadata = descriptor.metadata) {
    json["metadata"] = {{"in", metadata->in}, {"out", metadata->out}, {"dynamic", metadata->dynamic}};
  }
  return json;
}

}  // namespace millrace::component
