#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "app/control_client.hpp"
#include "app/credential_command.hpp"
#include "app/credential_key.hpp"
#include "app/data_folder.hpp"
#include "app/exit_code.hpp"
#include "app/secret_file.hpp"
#include "app/store_place.hpp"
#include "credentials/book.hpp"
#include "io/posix/loop.hpp"

namespace millrace::app {
namespace {

credentials::Change change() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {"local", std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

/// The key of `file`, or one that is made and waits beside the folder's until the store has been sealed with it.
Result<credentials::Key> next_key(const std::string& file, const std::string& waiting_file) {
  if (!file.empty()) {
    const auto text = read_secret_file(file, Readers::owner_only);
    if (!text) return text.error();
    const auto key = credentials::Key::parse(*text);
    return key ? key
               : Result<credentials::Key>(Error{key.error().kind, fmt::format("{} {}", file, key.error().message)});
  }
  const auto key = credentials::Key::random();
  if (auto written = write_secret_file(waiting_file, key.text()); !written) return written.error();
  return key;
}

Status rekey(const CredentialOptions& options, const std::string& path) {
  if (platform_runs(path)) {
    return Error{Error::Kind::conflict, fmt::format("a platform runs on {}: stop it first", path)};
  }
  auto folder = DataFolder::open(path, DataFolder::Missing::fail);
  if (!folder) return folder.error();
  io::posix::AsioLoop loop;
  io::posix::ThreadOffload offload(loop);
  auto store = open_idle_store(offload, *folder);
  if (!store) return store.error();
  const auto now = configured_key(options.key_file, folder->credential_key_file(), **store);
  if (!now) return now.error();
  const auto own_file = folder->credential_key_file();
  const auto next = next_key(options.new_key_file, waiting_key_file(own_file));
  if (!next) return next.error();
  const auto done = (*store)->now<Done>([&](store::Database& database) {
    return credentials::change_key(database, credentials::Vault(now->key), credentials::Vault(*next), change());
  });
  if (!done) return done.error().in("key of the credentials, from " + now->place);
  if (!options.new_key_file.empty()) {
    fmt::print("the credentials are sealed with the key in {}; name it where {} was named\n", options.new_key_file,
               now->place);
    return Done{};
  }
  if (std::rename(waiting_key_file(own_file).c_str(), own_file.c_str()) != 0) {
    return Error{Error::Kind::io, fmt::format("cannot replace {}; the next start does it", own_file)};
  }
  fmt::print("the credentials are sealed with a new key, {}\n", own_file);
  return Done{};
}

}  // namespace

int rekey_credentials(const CredentialOptions& options) {
  const auto done = rekey(options, options.server.data_folder.empty() ? "./millrace-data" : options.server.data_folder);
  if (done) return ExitCode::ok;
  fmt::print(stderr, "millrace: {}\n", done.error().message);
  return ExitCode::failed;
}

}  // namespace millrace::app
