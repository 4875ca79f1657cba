#include <fstream>

#include <fmt/format.h>

#include "flow/load.hpp"

namespace millrace::flow {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_variable_name(std::string_view name) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
  return !name.empty() && name.find_first_not_of(allowed) == std::string_view::npos && (name[0] < '0' || name[0] > '9');
}

/// Within double quotes a backslash stands before `"`, `\`, `$`, "`" as in a shell, and before n for a line feed.
std::optional<std::string> double_quoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      const std::string_view rest = trimmed(text.substr(i + 1));
      if (rest.empty() || rest[0] == '#') return out;
      return std::nullopt;
    }
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    const bool escaped = next == '"' || next == '\\' || next == '$' || next == '`';
    if (next == 'n') {
      out += '\n';
    } else {
      out += escaped ? std::string(1, next) : std::string{'\\', next};
    }
  }
  return std::nullopt;
}

std::optional<std::string> value_of(std::string_view text) {
  if (text.starts_with('"')) return double_quoted(text);
  if (text.starts_with('\'')) {
    const std::size_t end = text.find('\'', 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = trimmed(text.substr(end + 1));
    if (!rest.empty() && rest[0] != '#') return std::nullopt;
    return std::string(text.substr(1, end - 1));
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || blanks.find(text[i - 1]) != std::string_view::npos)) text = text.substr(0, i);
  }
  return std::string(trimmed(text));
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> read_env_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Error::Kind::not_found, path + ": cannot be read"};
  std::vector<std::pair<std::string, std::string>> variables;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    std::string_view text = trimmed(line);
    if (text.empty() || text[0] == '#') continue;
    if (text.starts_with("export ")) text = trimmed(text.substr(7));
    const std::size_t equals = text.find('=');
    const std::string_view name = trimmed(text.substr(0, equals));
    if (equals == std::string_view::npos || !is_variable_name(name)) {
      return Error{Error::Kind::invalid, fmt::format("{}:{}: not of the form NAME=value", path, number)};
    }
    auto value = value_of(trimmed(text.substr(equals + 1)));
    if (!value) {
      return Error{Error::Kind::invalid, fmt::format("{}:{}: {}: the quotes do not match", path, number, name)};
    }
    variables.emplace_back(std::string(name), std::move(*value));
  }
  return variables;
}

}  // namespace millrace::flow
