#pragma once

#include <map>
#include <string>

#include "app/api_client.hpp"
#include "core/result.hpp"

namespace millrace::app {

/// A platform that commands may talk to, under a name.
struct Context {
  std::string server;  ///< URL
  std::string token;
};

/// The contexts of this user: the file contexts.json in MILLRACE_CONFIG_DIR, or in millrace/ of XDG_CONFIG_HOME or
/// ~/.config. It holds tokens: mode 0600, and what others may read is refused.
struct Contexts {
  std::string current = {};  ///< empty: none
  std::map<std::string, Context> by_name = {};

  static std::string path();
  /// None if there is no file. Error::permission names the mend.
  static Result<Contexts> load();
  /// Replaces the file, at once.
  Status save() const;
};

/// The server that is meant: a URL with its token, or a data folder. What is given goes first (--server, --data,
/// --context), then MILLRACE_SERVER, MILLRACE_CONTEXT, the context in use, ./millrace-data.
Result<Server> resolve(const Server& given);

/// The first word of a file that others than its owner must not be able to read.
Result<std::string> read_token_file(const std::string& path);

}  // namespace millrace::app
