#pragma once

#include <functional>
#include <string>

#include "app/import_command.hpp"
#include "app/inquiry_command.hpp"
#include "app/installed_command.hpp"
#include "app/new_component.hpp"

namespace CLI {
class App;
}

namespace millrace::app {

/// `millrace component` and what is below it, and `millrace import`. The command that was given leaves its work in
/// `chosen`.
class ComponentCommands {
 public:
  void add(CLI::App& app);

  std::function<int()> chosen = {};

 private:
  void add_questions(CLI::App* group);
  void add_new(CLI::App* group);
  void add_import(CLI::App& app);

  InstalledOptions options_ = {};
  InquiryOptions inquiry_ = {};
  NewComponentOptions new_ = {};
  ImportOptions import_ = {};
};

}  // namespace millrace::app
