#pragma once

#include <string_view>

#include "jsonata/arena.hpp"

namespace millrace::jsonata {

/// ECMAScript's toLowerCase / toUpperCase. Unchanged text is returned as it is.
std::string_view to_lower(Arena& arena, std::string_view text);
std::string_view to_upper(Arena& arena, std::string_view text);

}  // namespace millrace::jsonata
