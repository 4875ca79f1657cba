#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

/// JSON (RFC 8259) handled as text: checked and cut into slices in one pass, without building a document. Limits: a
/// nesting deeper than `depth_max` is an Error, never a deep recursion.
namespace millrace::component::json_text {

inline constexpr std::size_t depth_max = 500;

/// Called for each member of an object: its name, unescaped, and its value's text within the input.
using Member = std::function<void(std::string_view name, std::string_view value)>;
/// Called for each element of an array.
using Element = std::function<void(std::string_view value)>;

/// Done if `text` is one JSON value in valid UTF-8 with nothing but white space around it; Error::invalid names the
/// offset, Error::limit the depth: `depth` levels of arrays and objects, at most depth_max.
Status check(std::string_view text, std::size_t depth = depth_max);
/// The same, and `text` must be an object whose members are handed out in order.
Status members(std::string_view text, const Member& member);
/// The same, and `text` must be an array.
Status elements(std::string_view text, const Element& element);

/// The value of the last member of that name in an object that is known to be valid JSON; empty if there is none or the
/// text is no object.
std::string_view member(std::string_view object, std::string_view name);

std::string_view trimmed(std::string_view text);
inline bool is_string(std::string_view value) {
  return !value.empty() && value.front() == '"';
}

/// Text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
std::string quoted(std::string_view text);
void append_quoted(std::string& to, std::string_view text);
/// What a valid JSON string says; nullopt if `value` is not a string.
std::optional<std::string> unquoted(std::string_view value);
/// A string's text, any other value's JSON text as it is; empty stays empty.
std::string as_text(std::string_view value);

}  // namespace millrace::component::json_text
