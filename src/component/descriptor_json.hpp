#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "component/descriptor.hpp"

namespace millrace::component {

/// "webhook trigger", "action" …
std::string_view kind_name(Descriptor::Kind kind);
/// "text", "duration" …
std::string_view type_name(Field::Type type);

/// What a credential of an installed component holds: fields, oauth2 (null: it has none), token_field.
boost::json::object credential_form_json(const CredentialForm& form);

/// A descriptor for programs and forms: name, kind, title, summary, fields, emits, examples; of an installed
/// component also its metadata.
boost::json::object descriptor_json(const Descriptor& descriptor);

}  // namespace millrace::component
