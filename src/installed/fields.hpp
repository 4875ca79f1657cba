#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "component/descriptor.hpp"

namespace millrace::installed {

/// Fields of a component.json as fields of a step's `config:`, those with the highest `order` first. What an author has
/// written for people (label, help, note, the meaning of choices) becomes the summary. A view class that is not known
/// takes any JSON. `function`: "petstore.getPets", for hints; empty for fields of credentials.
///
/// | view class | type |
/// |---|---|
/// | TextField, TextArea, …WithNote, CodeField | text |
/// | CheckBox | boolean |
/// | Select, its model an object | choice of its keys |
/// | Select, its model the name of a function | text: what there is, is asked for |
/// | MultiSelect | list, of the keys of its model |
/// | PasswordField | secret |
/// | OAuthField | object |
/// | JSONata | expression |
std::vector<component::Field> fields_of(const boost::json::object& fields, const std::string& function);

/// A text without the tags of HTML that some authors write into descriptions.
std::string without_tags(std::string_view text);

}  // namespace millrace::installed
