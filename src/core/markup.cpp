#include "core/markup.hpp"

namespace millrace {

void append_markup(std::string& to, char c) {
  switch (c) {
    case '&':
      to += "&amp;";
      break;
    case '<':
      to += "&lt;";
      break;
    case '>':
      to += "&gt;";
      break;
    case '"':
      to += "&quot;";
      break;
    default:
      to += c;
  }
}

std::string as_markup(std::string_view text) {
  std::string out;
  for (const char c : text) append_markup(out, c);
  return out;
}

}  // namespace millrace
