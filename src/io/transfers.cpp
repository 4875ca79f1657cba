#include "io/transfers.hpp"

#include <strings.h>

namespace millrace::io {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

}  // namespace

std::string_view HttpAnswer::header(std::string_view name) const {
  std::string_view found;
  std::string_view rest = header_lines;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const auto colon = line.find(':');
    if (colon != name.size() || ::strncasecmp(line.data(), name.data(), colon) != 0) continue;
    found = trimmed(line.substr(colon + 1));
  }
  return found;
}

}  // namespace millrace::io
