#include "app/contexts.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::app {
namespace {

namespace json = boost::json;

std::string from_environment(const char* name) {
  const char* set = std::getenv(name);
  return set == nullptr ? std::string() : set;
}

Status is_private(const std::string& path, const char* what) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) != 0) {
    return Error{Error::Kind::not_found, fmt::format("there is no {} {}: {}", what, path, std::strerror(errno))};
  }
  if ((found.st_mode & 077) == 0) return Done{};
  return Error{Error::Kind::permission, fmt::format("others may read the {} {} (chmod 600 {})", what, path, path)};
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<Server> of_context(const std::string& name) {
  const auto contexts = Contexts::load();
  if (!contexts) return contexts.error();
  const auto found = contexts->by_name.find(name);
  if (found == contexts->by_name.end()) {
    return Error{Error::Kind::invalid, fmt::format("there is no context {} (millrace context list)", name)};
  }
  return Server{.url = found->second.server, .token = found->second.token};
}

Result<Server> with_token(Server server) {
  if (!server.token.empty()) return server;
  if (server.token_file.empty()) server.token_file = from_environment("MILLRACE_TOKEN_FILE");
  if (server.token_file.empty()) server.token = from_environment("MILLRACE_TOKEN");
  if (!server.token.empty()) return server;
  if (server.token_file.empty()) server.token_file = from_environment("HOME") + "/.config/millrace/token";
  auto token = read_token_file(server.token_file);
  if (!token) return token.error();
  server.token = std::move(*token);
  return server;
}

}  // namespace

Result<std::string> read_token_file(const std::string& path) {
  if (auto safe = is_private(path, "token file"); !safe) {
    const bool missing = safe.error().kind == Error::Kind::not_found;
    return Error{Error::Kind::permission, safe.error().message + (missing ? " (name one with --token-file)" : "")};
  }
  std::ifstream file(path);
  std::string token;
  if (!(file >> token)) return Error{Error::Kind::permission, fmt::format("there is no token in {}", path)};
  return token;
}

std::string Contexts::path() {
  if (const auto folder = from_environment("MILLRACE_CONFIG_DIR"); !folder.empty()) return folder + "/contexts.json";
  auto folder = from_environment("XDG_CONFIG_HOME");
  if (folder.empty()) folder = from_environment("HOME") + "/.config";
  return folder + "/millrace/contexts.json";
}

Result<Contexts> Contexts::load() {
  const auto path = Contexts::path();
  Contexts contexts;
  if (auto safe = is_private(path, "file with contexts"); !safe) {
    if (safe.error().kind == Error::Kind::not_found) return contexts;
    return safe.error();
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  boost::system::error_code failed;
  const auto value = json::parse(text, failed);
  const auto* object = failed ? nullptr : value.if_object();
  const auto* all = object == nullptr ? nullptr : object->if_contains("contexts");
  if (all == nullptr || !all->is_object()) {
    return Error{Error::Kind::invalid, fmt::format("{} is not a file with contexts (mend or remove it)", path)};
  }
  contexts.current = text_of(*object, "current");
  for (const auto& [name, entry] : all->get_object()) {
    if (!entry.is_object()) continue;
    contexts.by_name[std::string(name)] = {text_of(entry.get_object(), "server"), text_of(entry.get_object(), "token")};
  }
  return contexts;
}

Status Contexts::save() const {
  json::object all;
  for (const auto& [name, context] : by_name) all[name] = {{"server", context.server}, {"token", context.token}};
  const auto text = json::serialize(json::object{{"current", current}, {"contexts", std::move(all)}}) + "\n";
  const auto path = Contexts::path();
  const auto fresh = path + ".new";
  const auto failed = [&](int code) {
    return Error{Error::Kind::io, fmt::format("{} cannot be written: {}", path, std::strerror(code))};
  };
  std::error_code made;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), made);
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failed(errno);
  ::fchmod(file, 0600);
  const auto written = ::write(file, text.data(), text.size());
  const int code = errno;
  ::close(file);
  if (written != static_cast<ssize_t>(text.size())) return failed(code);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed(errno);
  return Done{};
}

Result<Server> resolve(const Server& given) {
  if (!given.url.empty()) return with_token(given);
  if (!given.data_folder.empty()) return given;
  if (!given.context.empty()) return of_context(given.context);
  if (auto url = from_environment("MILLRACE_SERVER"); !url.empty()) {
    auto server = given;
    server.url = std::move(url);
    return with_token(std::move(server));
  }
  if (const auto name = from_environment("MILLRACE_CONTEXT"); !name.empty()) return of_context(name);
  const auto contexts = Contexts::load();
  if (!contexts) return contexts.error();
  if (!contexts->current.empty()) return of_context(contexts->current);
  return Server{.data_folder = "./millrace-data"};
}

}  // namespace millrace::app
