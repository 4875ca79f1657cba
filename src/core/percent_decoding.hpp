#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// With each %XX as the byte that it means (RFC 3986 §2.1); what is no such triplet stays as it stands.
std::string percent_decoded(std::string_view text);

}  // namespace millrace
