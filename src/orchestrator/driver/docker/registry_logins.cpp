#include "orchestrator/driver/docker/registry_logins.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "component/base64.hpp"

namespace millrace::orchestrator::docker {
namespace json = boost::json;
namespace {

constexpr std::string_view docker_hub = "docker.io";

std::string text_at(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// A key of "auths": a host, or an old URL of one ("https://index.docker.io/v1/").
std::string registry_of_key(std::string_view key) {
  if (const auto scheme = key.find("://"); scheme != std::string_view::npos) key.remove_prefix(scheme + 3);
  const auto host = key.substr(0, key.find('/'));
  return host == "index.docker.io" ? std::string(docker_hub) : std::string(host);
}

/// User name and password, from "auth" (Base64 of both) or as they are.
std::pair<std::string, std::string> login_of(const json::object& entry) {
  const auto both = component::base64_decoded(text_at(entry, "auth"));
  const auto colon = both ? both->find(':') : std::string::npos;
  if (colon == std::string::npos) return {text_at(entry, "username"), text_at(entry, "password")};
  auto password = both->substr(colon + 1);
  while (password.ends_with('\0')) password.pop_back();
  return {both->substr(0, colon), std::move(password)};
}

/// RFC 4648 §5, padded.
std::string base64_for_urls(const std::string& text) {
  auto encoded = component::base64_encoded(text);
  std::ranges::replace(encoded, '+', '-');
  std::ranges::replace(encoded, '/', '_');
  return encoded;
}

std::string header_of(const json::object& entry, const std::string& registry) {
  json::object login;
  if (const auto token = text_at(entry, "identitytoken"); !token.empty()) {
    login["identitytoken"] = token;
  } else {
    const auto [user, password] = login_of(entry);
    if (user.empty()) return {};
    login["username"] = user;
    login["password"] = password;
  }
  login["serveraddress"] = registry == docker_hub ? "https://index.docker.io/v1/" : registry;
  return base64_for_urls(json::serialize(login));
}

/// The program that the file leaves this registry's login to; empty: none.
std::string program_for(const json::object& config, const std::string& registry) {
  if (const auto* programs = config.if_contains("credHelpers"); programs != nullptr && programs->is_object()) {
    if (auto name = text_at(programs->get_object(), registry); !name.empty()) return name;
  }
  return text_at(config, "credsStore");
}

}  // namespace

std::string registry_of(std::string_view image) {
  const auto slash = image.find('/');
  const auto first = image.substr(0, slash);
  const bool is_host =
      slash != std::string_view::npos && (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
  return is_host ? registry_of_key(first) : std::string(docker_hub);
}

RegistryLogins::RegistryLogins(std::string folder) : folder_(std::move(folder)) {}

std::string RegistryLogins::place() const {
  return folder_.empty() ? "--docker-config names no folder with Docker's config.json" : folder_ + "/config.json";
}

Result<std::string> RegistryLogins::header_for(std::string_view image) const {
  if (folder_.empty()) return std::string();
  std::ifstream file(place(), std::ios::binary);
  if (!file) return std::string();
  std::ostringstream text;
  text << file.rdbuf();
  boost::system::error_code failed;
  const auto document = json::parse(text.str(), failed);
  const auto* config = failed ? nullptr : document.if_object();
  if (config == nullptr) {
    return Error{Error::Kind::invalid, "logins of registries: " + place() + " is not a JSON object"};
  }
  const auto registry = registry_of(image);
  if (const auto* logins = config->if_contains("auths"); logins != nullptr && logins->is_object()) {
    for (const auto& [key, entry] : logins->get_object()) {
      if (registry_of_key(key) != registry || !entry.is_object()) continue;
      if (auto header = header_of(entry.get_object(), registry); !header.empty()) return header;
    }
  }
  const auto program = program_for(*config, registry);
  if (program.empty()) return std::string();
  return Error{Error::Kind::unsupported, "logins of registries: " + place() + " leaves the one for " + registry +
                                             " to the program docker-credential-" + program +
                                             ", which is not asked: log in with a config.json without credsStore and "
                                             "credHelpers (docker --config FOLDER login)"};
}

}  // namespace millrace::orchestrator::docker
