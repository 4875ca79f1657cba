#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::jsonata {

/// Room enough for any number printed here.
constexpr std::size_t number_text_max = 32;

/// Prints as ECMAScript's Number::toString does, shortest digits that read back as the same number. Returns the length.
/// Infinity and NaN are printed as JSON.stringify does: null.
std::size_t print_number(double number, char* to);

/// The number rounded to 15 significant digits (ECMAScript's toPrecision(15)): what `$string` shows.
double to_15_digits(double number);

/// Reads the longest JSON number at the start of the text. nullopt: there is none. `used` receives its length.
std::optional<double> read_json_number(std::string_view text, std::size_t& used);

}  // namespace millrace::jsonata
