#include "gateway/media_type.hpp"

#include <algorithm>

namespace millrace::gateway {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string media_type(std::string_view content_type) {
  return lower(trimmed(content_type.substr(0, content_type.find(';'))));
}

std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  auto at = header.find(';');
  while (at != std::string_view::npos) {
    auto rest = trimmed(header.substr(at + 1));
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const bool wanted = lower(trimmed(rest.substr(0, equals))) == name;
    rest = trimmed(rest.substr(equals + 1));
    std::string value;
    if (rest.starts_with('"')) {
      std::size_t i = 1;
      for (; i < rest.size() && rest[i] != '"'; ++i) {
        if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
        value += rest[i];
      }
      rest.remove_prefix(std::min(i + 1, rest.size()));
    } else {
      value = trimmed(rest.substr(0, rest.find(';')));
    }
    if (wanted) return value;
    header = rest;
    at = rest.find(';');
  }
  return std::nullopt;
}

bool is_json(std::string_view media_type) {
  return media_type == "application/json" || media_type == "text/json" ||
         (media_type.starts_with("application/") && media_type.ends_with("+json"));
}

}  // namespace millrace::gateway
