#include "app/new_component.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "app/exit_code.hpp"
#include "installed/source.hpp"

namespace millrace::app {
namespace {

namespace fs = std::filesystem;

struct Language {
  std::function<std::vector<NewFile>()> files;
  std::string test;   ///< the command that tests it
  std::string build;  ///< the one that builds it; empty: nothing has to be built
};

const std::map<std::string, Language, std::less<>>& languages() {
  static const std::map<std::string, Language, std::less<>> all = {
      {"cpp", {&new_cpp_component, "make test", "make"}},
      {"node", {&new_nodejs_component, "npm test", ""}},
      {"python", {&new_python_component, "python3 -m unittest", ""}}};
  return all;
}

/// The same flow for each: what a webhook is sent is shouted.
NewFile example_flow() {
  return {"flow.yaml", R"(name: @NAME@-example
steps:
  - { id: form, trigger: webhook.receive, config: { path: @NAME@ } }
  - { id: shout, action: @NAME@.shout, after: form, config: { mark: "!" } }
  - { id: show, action: message.log, after: shout }
)"};
}

std::string named(std::string text, const std::string& name) {
  constexpr std::string_view place = "@NAME@";
  for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + name.size())) {
    text.replace(at, place.size(), name);
  }
  return text;
}

Status write(const fs::path& folder, const NewFile& file, const std::string& name) {
  std::error_code failed;
  const auto path = folder / file.path;
  fs::create_directories(path.parent_path(), failed);
  std::ofstream out(path, std::ios::binary);
  out << named(file.text, name);
  out.close();
  if (out && !failed) return Done{};
  return Error{Error::Kind::io, fmt::format("{} cannot be written", path.string())};
}

int complain(int exit_code, const std::string& what) {
  fmt::print(stderr, "millrace: {}\n", what);
  return exit_code;
}

}  // namespace

int make_component(const NewComponentOptions& options) {
  if (!installed::is_component_name(options.name)) {
    return complain(ExitCode::usage, fmt::format("\"{}\" cannot be a component's name (use lower-case letters, digits, "
                                                 "- and _)",
                                                 options.name));
  }
  const auto language = languages().find(options.language);
  if (language == languages().end()) {
    return complain(ExitCode::usage, fmt::format("--lang {}: there are cpp, node and python", options.language));
  }
  const fs::path folder = options.folder.empty() ? options.name : options.folder;
  if (fs::exists(folder)) return complain(ExitCode::failed, fmt::format("{} is there already", folder.string()));
  auto files = language->second.files();
  files.push_back(example_flow());
  for (const auto& file : files) {
    if (auto written = write(folder, file, options.name); !written)
      return complain(ExitCode::failed, written.error().message);
  }
  const auto& [make, test, build] = language->second;
  fmt::print(
      "{}\n  test it     cd {} && {}\n  install it  {}millrace component add {}\n  run it      millrace run {}\n",
      folder.string(), folder.string(), test, build.empty() ? "" : fmt::format("make -C {} && ", folder.string()),
      folder.string(), (folder / "flow.yaml").string());
  return ExitCode::ok;
}

}  // namespace millrace::app
