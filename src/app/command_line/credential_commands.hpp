#pragma once

#include <functional>

#include "app/credential_command.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

/// `millrace credential …`: leaves what was asked for in `chosen`. Lives as long as the parsing of the command line.
struct CredentialCommands {
  CredentialOptions options = {};
  std::function<int()> chosen = {};

  void add(CLI::App& app);
};

}  // namespace millrace::app
