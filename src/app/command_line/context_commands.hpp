#pragma once

#include <functional>

#include "app/context_command.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

/// `millrace context` and what is below it. The one that was given leaves its work in `chosen`.
class ContextCommands {
 public:
  void add_all(CLI::App& app);

  std::function<int()> chosen = {};

 private:
  ContextOptions options_;
};

}  // namespace millrace::app
