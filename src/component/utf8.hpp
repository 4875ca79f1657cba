#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::component::utf8 {

/// Length of the well-formed UTF-8 sequence (RFC 3629) at the start of `text`, or 0 if there is none.
std::size_t sequence_length(std::string_view text);
bool is_valid(std::string_view text);
/// As much of valid UTF-8 as `size_max` bytes hold, without a part of a character at its end.
std::string_view head(std::string_view text, std::size_t size_max);
/// Appends a code point; a lone surrogate becomes U+FFFD.
void append(std::string& to, std::uint32_t code);

}  // namespace millrace::component::utf8
