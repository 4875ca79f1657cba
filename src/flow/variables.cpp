#include "flow/variables.hpp"

#include <fmt/format.h>

namespace millrace::flow {
namespace {

bool is_name(std::string_view name) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  constexpr std::string_view digits = "0123456789";
  if (name.empty() || letters.find(name[0]) == std::string_view::npos) return false;
  for (const char c : name) {
    if (letters.find(c) == std::string_view::npos && digits.find(c) == std::string_view::npos) return false;
  }
  return true;
}

void replace_one(std::string_view inside, std::size_t offset, const Variables& variables, Replaced& out) {
  const std::size_t mark = inside.find(":-");
  const std::string_view name = inside.substr(0, mark);
  if (!is_name(name)) {
    out.troubles.push_back({offset, fmt::format("\"${{{}}}\" does not name a variable", inside),
                            "write ${NAME} with letters, digits and _; write $${ for the text ${"});
    return;
  }
  const auto value = variables(name);
  if (value && (mark == std::string_view::npos || !value->empty())) {
    out.text += *value;
  } else if (mark != std::string_view::npos) {
    out.text += inside.substr(mark + 2);
  } else {
    out.troubles.push_back(
        {offset, fmt::format("the variable {} is not set", name),
         fmt::format("set {0} in the environment or in the --env-file, or write ${{{0}:-value}}", name)});
  }
}

}  // namespace

Replaced replace_variables(std::string_view text, const Variables& variables) {
  Replaced out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t dollar = text.find('$', at);
    out.text += text.substr(at, dollar - at);
    if (dollar == std::string_view::npos) break;
    if (text.substr(dollar, 3) == "$${") {
      out.text += "${";
      out.changed = true;
      at = dollar + 3;
    } else if (text.substr(dollar, 2) == "${") {
      out.changed = true;
      const std::size_t end = text.find('}', dollar);
      if (end == std::string_view::npos) {
        out.troubles.push_back({dollar, "\"${\" has no closing \"}\"", "close it, or write $${ for the text ${"});
        break;
      }
      replace_one(text.substr(dollar + 2, end - dollar - 2), dollar, variables, out);
      at = end + 1;
    } else {
      out.text += '$';
      at = dollar + 1;
    }
  }
  return out;
}

}  // namespace millrace::flow
