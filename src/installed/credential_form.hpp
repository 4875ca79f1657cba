#pragma once

#include <optional>
#include <vector>

#include "component/descriptor.hpp"
#include "installed/component_file.hpp"

namespace millrace::installed {

/// What a credential of the component's own holds; nullopt: its component.json asks for none.
///
/// With `credentials.oauth2`, the field of view class OAuthFieldView is where the component looks for its token
/// ("oauth" if it has none), and no person gives it. Without, it is a field like the others.
std::optional<component::CredentialForm> credential_form_of(const ComponentFile& file);

/// The types of credential that its steps take: `component` where it has a form, and those that `authClientTypes` name.
std::vector<component::CredentialType> credential_types_of(const ComponentFile& file);

}  // namespace millrace::installed
