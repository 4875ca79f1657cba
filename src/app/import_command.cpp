#include "app/import_command.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "app/exit_code.hpp"
#include "app/known_components.hpp"
#include "imports/elasticio.hpp"

namespace millrace::app {
namespace {

Result<std::string> read_all(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.is_open() && !file.bad()) return text;
  return Error{Error::Kind::invalid, fmt::format("{} cannot be read", path)};
}

int complain(int exit_code, std::string_view what) {
  fmt::print(stderr, "millrace: {}\n", what);
  return exit_code;
}

}  // namespace

int import_elasticio_flows(const ImportOptions& options) {
  const auto text = read_all(options.file);
  if (!text) return complain(ExitCode::usage, text.error().message);
  KnownComponents known(options.data_folder.empty() ? "./millrace-data" : options.data_folder);
  known.complain();
  const auto imported = imports::import_elasticio(*text, options.file, known.catalogue());
  if (!imported) return complain(ExitCode::usage, imported.error().message);
  for (const auto& note : imported->notes) fmt::print(stderr, "note: {}\n", note);
  if (options.output.empty()) {
    std::cout << imported->text;
    return ExitCode::ok;
  }
  std::ofstream file(options.output, std::ios::binary | std::ios::trunc);
  file << imported->text;
  file.close();
  return file ? ExitCode::ok : complain(ExitCode::failed, options.output + " cannot be written");
}

}  // namespace millrace::app
