#pragma once

#include <functional>

#include "app/replay_command.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

/// `millrace replay` and its words.
class ReplayCommands {
 public:
  void add(CLI::App& app);
  /// What was asked for; empty: none of these.
  std::function<int()> chosen = {};

 private:
  CLI::App* add(CLI::App* group, const char* name, const char* what, int (*work)(const ReplayOptions&));

  ReplayOptions options_;
};

}  // namespace millrace::app
