#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::gateway {

/// ASCII letters in lower case.
std::string lower(std::string_view text);
/// Without white space at either end.
std::string_view trimmed(std::string_view text);

/// What stands before the parameters of a Content-Type, in lower case.
std::string media_type(std::string_view content_type);
/// The value of `name` (lower case) among the "; name=value" parameters of a header (RFC 9110 §5.6.6).
std::optional<std::string> parameter(std::string_view header, std::string_view name);

/// JSON and what is built on it (RFC 6839 §3.1).
bool is_json(std::string_view media_type);

}  // namespace millrace::gateway
