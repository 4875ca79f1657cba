#include "app/credential_key.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "app/secret_file.hpp"
#include "credentials/book.hpp"

namespace millrace::app {
namespace {

using credentials::Key;

constexpr const char* variable = "MILLRACE_KEY";

Result<CredentialKey> parsed(std::string_view text, const std::string& place) {
  const auto key = Key::parse(text);
  if (!key) return Error{key.error().kind, fmt::format("{} {}", place, key.error().message)};
  return CredentialKey{*key, place, false};
}

Result<CredentialKey> from_file(const std::string& path, Readers readers) {
  const auto text = read_secret_file(path, readers);
  if (!text) return text.error().in("key of the credentials");
  return parsed(*text, "the key in " + path);
}

Error cannot_replace(const std::string& path) {
  return {Error::Kind::io, fmt::format("cannot replace {}: {}", path, std::strerror(errno))};
}

std::optional<std::string> systemd_file() {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || *folder == '\0') return std::nullopt;
  auto path = std::string(folder) + "/millrace.key";
  return ::access(path.c_str(), F_OK) == 0 ? std::optional(path) : std::nullopt;
}

/// A change of keys that was cut off: its new key is the one if the store was sealed with it, and nothing otherwise.
Status settle_waiting_key(const std::string& folder_file, store::Store& store) {
  const auto waiting = waiting_key_file(folder_file);
  if (::access(waiting.c_str(), F_OK) != 0) return Done{};
  const auto key = from_file(waiting, Readers::owner_only);
  const auto opens = key ? store.now<bool>([&](store::Database& database) {
    return credentials::opens(database, credentials::Vault(key->key));
  })
                         : Result<bool>(false);
  if (!opens) return opens.error();
  if (!*opens) return ::unlink(waiting.c_str()) == 0 ? Status(Done{}) : Status(cannot_replace(folder_file));
  return ::rename(waiting.c_str(), folder_file.c_str()) == 0 ? Status(Done{}) : Status(cannot_replace(folder_file));
}

Result<CredentialKey> make(const std::string& path, store::Store& store) {
  const auto used = store.now<bool>([](store::Database& database) { return credentials::has_key(database); });
  if (!used) return used.error();
  if (*used) {
    return Error{Error::Kind::permission,
                 fmt::format("the key of the credentials is missing: put {} back, or name the key with --key-file, "
                             "{} or systemd's credential millrace.key",
                             path, variable)};
  }
  const auto key = Key::random();
  if (auto written = write_secret_file(path, key.text()); !written) {
    return written.error().in("key of the credentials");
  }
  return CredentialKey{key, path, true};
}

}  // namespace

std::string waiting_key_file(const std::string& folder_file) {
  return folder_file + ".next";
}

Result<CredentialKey> configured_key(const std::string& configured_file, const std::string& folder_file,
                                     store::Store& store) {
  if (!configured_file.empty()) return from_file(configured_file, Readers::owner_only);
  if (char* text = std::getenv(variable); text != nullptr && *text != '\0') {
    auto key = parsed(text, std::string("the key in ") + variable);
    std::memset(text, 'x', std::strlen(text));  // what /proc/PID/environ shows
    ::unsetenv(variable);
    return key;
  }
  if (const auto file = systemd_file()) return from_file(*file, Readers::any);
  if (auto settled = settle_waiting_key(folder_file, store); !settled) return settled.error();
  if (::access(folder_file.c_str(), F_OK) == 0) return from_file(folder_file, Readers::owner_only);
  return Error{Error::Kind::not_found, "there is no key of credentials"};
}

Result<CredentialKey> credential_key(const std::string& configured_file, const std::string& folder_file,
                                     store::Store& store) {
  auto key = configured_key(configured_file, folder_file, store);
  const bool absent = !key && configured_file.empty() && ::access(folder_file.c_str(), F_OK) != 0 &&
                      key.error().kind == Error::Kind::not_found;
  return absent ? make(folder_file, store) : key;
}

}  // namespace millrace::app
