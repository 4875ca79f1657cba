#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "core/result.hpp"

namespace millrace::installed {

/// A file of a component as JSON, with or without a byte order mark. `name` is how errors call it: "component.json".
/// Error::not_found if it is not there, invalid with "NAME:line:column" where it is no JSON, limit beyond 5 MB.
Result<boost::json::value> read_json_file(const std::string& path, std::string_view name);

/// The same of a text.
Result<boost::json::value> parse_json(std::string_view text, std::string_view name);

}  // namespace millrace::installed
