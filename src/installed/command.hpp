#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/posix/loop.hpp"

namespace millrace::installed {

struct CommandSpec {
  std::string folder;              ///< its working directory
  std::vector<std::string> words;  ///< the program, searched for in PATH, and its arguments
  /// Beside our own environment, of which it gets all but our settings (MILLRACE_…).
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::chrono::milliseconds time_max{};
  std::uint64_t memory_max = 0;  ///< bytes, as in io::posix::ProcessSpec; 0: no limit
};

struct CommandEnd {
  std::string output;  ///< of both streams, its last 32 kB
  std::string why;     ///< empty: it ended with 0. Otherwise for people: "exit code 1", "it took longer than 10m"
};

/// One program that is run to its end. `ended` is called once, on the loop; not if this is destroyed before, which ends
/// the program.
class Command {
 public:
  Command(io::posix::AsioLoop& loop, CommandSpec spec, std::function<void(CommandEnd)> ended);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::installed
