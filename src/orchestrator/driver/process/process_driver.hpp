#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/posix/loop.hpp"
#include "orchestrator/driver.hpp"

namespace millrace::orchestrator {

/// The exit code by which a worker says that it came to its memory limit (its new-handler's).
inline constexpr int exit_out_of_memory = 12;

/// Workers as child processes of this one (io/posix/process.hpp says what a child gets and does not get).
class ProcessDriver final : public Driver {
 public:
  struct Settings {
    std::string program;                 ///< path
    std::vector<std::string> arguments;  ///< the worker's name is added, for `ps`
    /// A line that a worker wrote to stdout or stderr, within the bounds of OutputLines.
    std::function<void(const std::string& worker, std::string_view line)> output;
  };

  ProcessDriver(io::posix::AsioLoop& loop, Settings settings);
  /// Kills what still runs.
  ~ProcessDriver() override;

  Result<WorkerHandle> start(const Launch& launch, std::function<void(Exit)> ended) override;
  void terminate(WorkerHandle worker) override;
  void kill(WorkerHandle worker) override;
  int process_id(WorkerHandle worker) const override;

 private:
  struct Child;
  io::posix::AsioLoop& loop_;
  Settings settings_;
  std::unordered_map<WorkerHandle, std::shared_ptr<Child>> children_;
  WorkerHandle last_handle_ = 0;
};

}  // namespace millrace::orchestrator
