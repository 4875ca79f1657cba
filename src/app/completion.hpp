#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::app {

/// What may follow the words of one command.
struct CommandWords {
  std::string path;                ///< "millrace flow list"
  std::vector<std::string> words;  ///< its subcommands and options
};

/// A script that makes a shell complete the words of the command line: "bash" or "zsh"; empty for another shell. Where
/// nothing fits, it completes file names.
std::string completion_script(std::string_view shell, const std::vector<CommandWords>& commands);

}  // namespace millrace::app
