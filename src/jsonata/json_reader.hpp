#pragma once

#include <string_view>

#include "jsonata/value.hpp"

namespace millrace::jsonata {

/// How deep arrays and objects of an input may nest.
constexpr std::size_t json_depth_max = 5'000;

/// Reads one JSON document (RFC 8259). Strings and keys without escapes stay views into `text`, which must outlive the
/// value. Throws the Failure U1101 (not JSON; `position` is the byte offset) or U1102 (nested too deeply).
Value read_json(Arena& arena, std::string_view text);

}  // namespace millrace::jsonata
