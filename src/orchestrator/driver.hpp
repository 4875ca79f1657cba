#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace millrace::orchestrator {

/// One worker to start: a program and its environment (component::WorkerEnvironment).
struct Launch {
  std::string name;  ///< "<flow>/<step>.<instance>", for people
  std::vector<std::pair<std::string, std::string>> environment;
  std::uint64_t memory_max = 0;  ///< bytes of address space or resident memory; 0: no limit
};

/// How a worker ended, in words for people: "exited with 3", "killed by SIGSEGV", "over its memory limit of 512 MB".
struct Exit {
  std::string reason;
  bool clean = false;       ///< exit code 0
  std::string last_output;  ///< the end of what it wrote to stderr, at most 4 KiB
};

using WorkerHandle = std::uint64_t;

/// How workers are started: as processes here, as containers later. Called and calling on the loop.
class Driver {
 public:
  virtual ~Driver() = default;
  virtual Result<WorkerHandle> start(const Launch& launch, std::function<void(Exit)> ended) = 0;
  /// SIGTERM: finish what is in work.
  virtual void terminate(WorkerHandle worker) = 0;
  /// SIGKILL.
  virtual void kill(WorkerHandle worker) = 0;
  /// Process id, or 0.
  virtual int process_id(WorkerHandle worker) const = 0;
};

}  // namespace millrace::orchestrator
