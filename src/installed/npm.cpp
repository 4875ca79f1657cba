#include "installed/npm.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "installed/json_file.hpp"

namespace millrace::installed {
namespace {

namespace fs = std::filesystem;

constexpr const char* library = "elasticio-sailor-nodejs";

bool exists(const std::string& folder, const std::string& name) {
  std::error_code failed;
  return fs::exists(fs::path(folder) / name, failed);
}

std::vector<std::string> npm(std::vector<std::string> words, bool scripts) {
  words.insert(words.begin(), "npm");
  for (const char* word : {"--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"})
    words.emplace_back(word);
  if (!scripts) words.emplace_back("--ignore-scripts");
  return words;
}

/// Code that component.json names is not there, and there is a TypeScript project that would make it.
bool needs_build(const std::string& folder) {
  return exists(folder, "tsconfig.json") && !read_component_file(folder, Files::all);
}

}  // namespace

std::vector<std::string> npm_install(bool development, bool scripts) {
  return npm({"install", development ? "--include=dev" : "--omit=dev"}, scripts);
}

std::vector<std::string> npm_pack(const std::string& package, const std::string& into) {
  return npm({"pack", package, "--pack-destination", into}, false);
}

Result<Commands> npm_commands(const std::string& folder, const ComponentFile& file, bool scripts) {
  Commands commands;
  const bool is_program = !file.command.empty();
  if (!exists(folder, "package.json")) {
    if (is_program) return commands;
    const bool is_java = exists(folder, "build.gradle") || exists(folder, "pom.xml");
    return Error{Error::Kind::invalid,
                 is_java
                     ? "it is a component in Java, which Millrace cannot run from its sources (build an image of it "
                       "and give image:REF)"
                     : "package.json is not there (a component for Node.js has one; any other program says its "
                       "\"command\" in component.json)"};
  }
  commands.builds = needs_build(folder);
  const bool complete = exists(folder, "node_modules") && (is_program || check_packages(folder, file));
  if (complete && !commands.builds) return commands;
  const bool locked = exists(folder, "package-lock.json") || exists(folder, "npm-shrinkwrap.json");
  if (!locked) {
    commands.words.push_back(npm_install(commands.builds, scripts));
  } else {
    commands.words.push_back(npm({"ci", commands.builds ? "--include=dev" : "--omit=dev"}, scripts));
  }
  if (commands.builds) {
    commands.words.push_back({"./node_modules/.bin/tsc"});
    commands.words.push_back(npm({"prune", "--omit=dev"}, scripts));
  }
  return commands;
}

Status check_packages(const std::string& folder, const ComponentFile& file) {
  if (!file.command.empty() || exists(folder, fmt::format("node_modules/{}/run.js", library))) return Done{};
  return Error{Error::Kind::invalid,
               fmt::format("its packages have no {} (a component for Node.js depends on it: npm install --save {})",
                           library, library)};
}

Package read_package(const std::string& folder) {
  Package package;
  const auto parsed = read_json_file(folder + "/package.json", "package.json");
  if (!parsed || !parsed->is_object()) return package;
  for (const auto& [name, field] : {std::pair{"name", &package.name}, std::pair{"version", &package.version}}) {
    const auto* found = parsed->get_object().if_contains(name);
    if (found != nullptr && found->is_string()) *field = std::string(found->get_string());
  }
  return package;
}

}  // namespace millrace::installed
