#pragma once

#include <span>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "component/action.hpp"
#include "component/credential.hpp"
#include "core/result.hpp"

namespace millrace::credentials {

/// One field of a type of credentials, as people give it. From these come checking, help and the split into what is
/// shown and what is sealed.
struct Field {
  enum class Type { text, url, header, choice, text_map, object };

  std::string_view name;
  Type type = Type::text;
  bool secret = false;  ///< sealed, never shown
  bool required = false;
  std::string_view summary;
};
std::span<const Field> fields_of(component::CredentialType type);

/// A credential as a person sets it: {"type": "basic", "username": …, "password": …}.
struct Definition {
  component::CredentialType type = component::CredentialType::basic;
  boost::json::object settings;  ///< what is no secret
  boost::json::object secrets;
};

/// Error::invalid names the field and never repeats a value that may be a secret. `catalogue`: for type `component`,
/// which is checked by the form of its component; null: none is installed.
Result<Definition> read_definition(const boost::json::object& given, const component::Catalogue* catalogue = nullptr);

/// What is wrong with the value of one field.
Status check_value(const Field& field, const boost::json::value& value);

}  // namespace millrace::credentials
