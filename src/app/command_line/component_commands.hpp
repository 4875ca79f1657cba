#pragma once

#include <functional>
#include <string>

#include "app/inquiry_command.hpp"
#include "app/installed_command.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

/// `millrace component` and what is below it. The command that was given leaves its work in `chosen`.
class ComponentCommands {
 public:
  void add(CLI::App& app);

  std::function<int()> chosen = {};

 private:
  void add_questions(CLI::App* group);

  InstalledOptions options_ = {};
  InquiryOptions inquiry_ = {};
};

}  // namespace millrace::app
