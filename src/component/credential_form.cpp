#include <algorithm>

#include "component/descriptor.hpp"

namespace millrace::component {

const Field* CredentialForm::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool CredentialForm::is_secret(const Field& field) {
  return field.type == Field::Type::secret || field.type == Field::Type::object || field.type == Field::Type::any;
}

}  // namespace millrace::component
