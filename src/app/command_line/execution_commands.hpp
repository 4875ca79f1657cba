#pragma once

#include <functional>

#include "app/execution_command.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

/// `millrace execution` and its words on the command line.
class ExecutionCommands {
 public:
  void add(CLI::App& app);
  /// What was asked for; empty: none of these.
  std::function<int()> chosen = {};

 private:
  CLI::App* add(CLI::App* group, const char* name, const char* what, int (*work)(const ExecutionOptions&));

  ExecutionOptions options_;
};

}  // namespace millrace::app
