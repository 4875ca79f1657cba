#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::component {

/// Base64 with padding (RFC 4648 §4).
std::string base64_encoded(std::string_view bytes);
/// Takes both alphabets (§4 and §5), with or without padding, and skips white space; nullopt for anything else.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace millrace::component
