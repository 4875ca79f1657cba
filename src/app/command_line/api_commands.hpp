#pragma once

#include <functional>

#include "app/deployment_command.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

/// Commands over the API of a platform, near or far. The one that was given leaves its work in `chosen`.
class ApiCommands {
 public:
  /// `flow_group`: `millrace flow`, which has commands of other kinds as well.
  void add_all(CLI::App& app, CLI::App* flow_group);

  std::function<int()> chosen = {};

 private:
  CLI::App* add(CLI::App* group, const char* name, const char* what, std::function<int(const ApiOptions&)> work);
  void add_flows(CLI::App* group);
  void add_looking(CLI::App& app);
  void add_lists(CLI::App& app);

  ApiOptions options_ = {};
};

}  // namespace millrace::app
