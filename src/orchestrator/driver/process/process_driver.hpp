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
    Doors doors;                         ///< on loopback
    /// A line that a worker wrote to stdout or stderr, within the bounds of OutputLines.
    std::function<void(const std::string& worker, std::string_view line)> output;
  };

  ProcessDriver(io::posix::AsioLoop& loop, Settings settings);
  /// Kills what still runs.
  ~ProcessDriver() override;

  WorkerHandle start(const Launch& launch, WorkerEvents events) override;
  void terminate(WorkerHandle worker) override;
  void kill(WorkerHandle worker) override;
  Whereabouts whereabouts(WorkerHandle worker) const override;

  /// There are none: a child dies with its parent.
  void find_survivors(std::function<void(std::vector<Survivor>)> found) override;
  bool adopt(WorkerHandle, const Launch&, WorkerEvents) override { return false; }
  void discard(WorkerHandle) override {}

 private:
  struct Child;
  io::posix::AsioLoop& loop_;
  Settings settings_;
  std::unordered_map<WorkerHandle, std::shared_ptr<Child>> children_;
  WorkerHandle last_handle_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< posted events find it false after our end
};

}  // namespace millrace::orchestrator
