#pragma once

#include <string>
#include <string_view>

namespace millrace::jsonata {

/// An ECMAScript pattern without the `u` flag (ECMA-262, 22.2 and annex B.1.2) in PCRE2's words, on code points: what
/// PCRE2 would read in another way is spelled out (`\s`, `.`, `$`, legacy octals, identity escapes …).
/// false: not a pattern ECMAScript takes.
bool translate_pattern(std::string_view pattern, bool multiline, std::string& to);

}  // namespace millrace::jsonata
