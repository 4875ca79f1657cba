#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flow/document.hpp"

namespace millrace::flow {

/// What an unquoted scalar is by its look: YAML 1.2.2 §10.3.2 (core schema), without .inf and .nan, which JSON lacks.
Node::Kind kind_of_plain(std::string_view text);

/// The value of a text that kind_of_plain calls an integer; nullopt for other texts and beyond 64 bits.
std::optional<std::int64_t> integer_of(std::string_view text);
/// The value of a text that kind_of_plain calls an integer or a number; nullopt for other texts and beyond a double.
std::optional<double> number_of(std::string_view text);
/// true, True, TRUE, false …
std::optional<bool> boolean_of(std::string_view text);

/// False if a quote stands at `at` and nothing closes it.
bool is_quote_closed(std::string_view text, std::size_t at);

/// The text as the YAML library can read it: in JSON files a surrogate pair (\ud83d\ude00) becomes one escape
/// (\U0001f600), which shifts columns after it by two. Everything else stays where it is.
std::string readable_by_yaml(std::string_view text);

}  // namespace millrace::flow
