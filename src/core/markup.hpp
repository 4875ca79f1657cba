#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// A character of a text that is to stand in HTML or XML, in an element or between double quotes.
void append_markup(std::string& to, char c);
std::string as_markup(std::string_view text);

}  // namespace millrace
