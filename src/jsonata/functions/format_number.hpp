#pragma once

#include <string>
#include <string_view>

#include "jsonata/value.hpp"

namespace millrace::jsonata {

/// `$formatNumber`: the number by an XPath picture (https://www.w3.org/TR/xpath-functions-31/#formatting-numbers).
/// `options` is an object of decimal-format properties, or undefined. Throws Failure D3080 … D3093.
std::string format_number(Arena& arena, double number, std::string_view picture, Value options);

}  // namespace millrace::jsonata
