#include "component/reference.hpp"

#include "component/json_text.hpp"

namespace millrace::component {

std::string reference_in(std::string_view body, std::string_view headers) {
  if (headers.find(reference_header) == std::string_view::npos || body.find(':') != std::string_view::npos) return {};
  const auto given = json_text::trimmed(body);
  if (!given.empty() && given.front() != '{') return {};
  return json_text::unquoted(json_text::member(headers, reference_header)).value_or("");
}

}  // namespace millrace::component
