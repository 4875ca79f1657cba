#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "jsonata/value.hpp"

namespace millrace::jsonata {

struct PrintOptions {
  bool indent = false;     ///< two spaces a level, as JSON.stringify(value, null, 2)
  bool digits_15 = false;  ///< numbers to 15 significant digits, infinite ones are the Failure D3001: `$string`
  std::size_t size_max = ~std::size_t{0};  ///< beyond it: the Failure U1002
};

/// Appends the value as JSON text, as JSON.stringify prints it: members that are undefined are left out, undefined
/// items are null. Functions print as `""` for `$string` and as null in results (they have no JSON form). Throws the
/// Failure U1001 for values nested beyond the stack.
void print_json(std::string& to, Value value, const PrintOptions& options = {});

/// Appends a quoted JSON string. Lone surrogates are written as \udXXX.
void print_json_string(std::string& to, std::string_view text);

}  // namespace millrace::jsonata
