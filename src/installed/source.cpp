#include "installed/source.hpp"

#include <fmt/format.h>

namespace millrace::installed {

std::string Source::text() const {
  switch (kind) {
    case Kind::npm:
      return "npm:" + what;
    case Kind::image:
      return "image:" + what;
    case Kind::folder:
      break;
  }
  return what;
}

Result<Source> Source::parse(std::string_view text) {
  Source source;
  for (const auto& [prefix, kind] :
       {std::pair{std::string_view("npm:"), Kind::npm}, std::pair{std::string_view("image:"), Kind::image}}) {
    if (!text.starts_with(prefix)) continue;
    source.kind = kind;
    text.remove_prefix(prefix.size());
    break;
  }
  source.what = std::string(text);
  const bool odd = text.find_first_of(" \t\r\n") != std::string_view::npos && source.kind != Kind::folder;
  if (text.empty() || text.front() == '-' || odd || text.find('\0') != std::string_view::npos) {
    return Error{Error::Kind::invalid,
                 fmt::format("\"{}\" is no source of a component (give the path of its folder, npm:NAME[@VERSION] or "
                             "image:REF)",
                             source.text())};
  }
  if (source.kind == Kind::folder && text.front() != '/') {
    return Error{Error::Kind::invalid,
                 fmt::format("the path {} is not absolute (the platform would look for it elsewhere than you)", text)};
  }
  return source;
}

std::string component_name(std::string_view package) {
  while (package.ends_with('/')) package.remove_suffix(1);
  package.remove_prefix(package.rfind('/') == std::string_view::npos ? 0 : package.rfind('/') + 1);
  package = package.substr(0, package.find_first_of("@:"));
  std::string name;
  for (const char c : package) {
    const auto lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool known = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '_' || lower == '-';
    name += known ? lower : '-';
  }
  const auto first = name.find_first_not_of("-_");
  name.erase(0, first);
  if (name.starts_with("elasticio-") && name.size() > 10) name.erase(0, 10);
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view ending : {"-nodejs", "-component", "-"}) {
      if (!name.ends_with(ending) || name.size() == ending.size()) continue;
      name.resize(name.size() - ending.size());
      again = true;
    }
  }
  return name.substr(0, 63);
}

bool is_component_name(std::string_view name) {
  constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.size() <= 63 && name.front() != '-' && name.front() != '_' &&
         name.find_first_not_of(known) == std::string_view::npos;
}

}  // namespace millrace::installed
