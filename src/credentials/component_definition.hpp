#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "component/action.hpp"
#include "core/result.hpp"
#include "credentials/credential.hpp"
#include "credentials/definition.hpp"

/// Credentials of installed components: what they hold their component.json says (component::CredentialForm).
namespace millrace::credentials {

/// What a component of the catalogue asks for; nullptr: there is no such component, or it asks for nothing. Valid until
/// the catalogue's next replace().
const component::Descriptor* asking_for_credentials(const component::Catalogue& catalogue, std::string_view component);

/// A definition of type `component` whose members have been read: its fields are checked by the component's form, those
/// that are secret are put with the secrets, and what its OAuth 2.0 needs is taken from component.json where the person
/// has not said it, `{{NAME}}` in it replaced by the field or the variable of the component's environment of that name.
Result<Definition> complete_for_component(Definition definition, const component::Catalogue* catalogue);

/// The names of the form's required fields that the settings of a credential do not have.
std::vector<std::string> missing_fields(const component::CredentialForm& form, const boost::json::object& settings);

/// Puts what a component has got anew (elastic.io's updateKeys) into a credential: these fields in place of those it
/// had, others stay; null takes one away. At the form's token_field stands a token of OAuth 2.0. `now`: ms since the
/// Unix epoch. Error::invalid names the key, and nothing has been changed.
Status take_keys(Credential& credential, const boost::json::object& keys, const component::CredentialForm& form,
                 std::int64_t now);

}  // namespace millrace::credentials
