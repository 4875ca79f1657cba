#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace millrace::orchestrator {

/// One worker that shall run: an instance of a step.
struct WorkerKey {
  std::string flow;
  std::int64_t version = 1;  ///< of the flow
  std::string step;
  std::uint32_t instance = 1;  ///< counts from 1; 0: no reader of the queue, but who runs its trigger's shutdown hook

  /// "<flow>/<step>.<instance>", for people
  std::string name() const;
  /// "<flow>@<version>/<step>.<instance>", one of a kind
  std::string id() const;
  friend auto operator<=>(const WorkerKey&, const WorkerKey&) = default;
};

/// What a worker proves itself with, to the broker and to the API. New for every start.
struct Credentials {
  std::string user;
  std::string password;
};

/// Where a worker finds the platform, each as "host:port". Every driver has its own: what is loopback for a process is
/// not for a container.
struct Doors {
  std::string amqp;
  std::string api;
};

/// What one worker may use. 0: no limit of ours.
struct ResourceLimits {
  std::uint64_t memory_max = 0;  ///< bytes of private writable memory (process) or of all memory (container)
  double cpu_max = 0;            ///< processors; containers only
  std::uint32_t pids_max = 0;    ///< processes and threads; containers only
};

using Environment = std::vector<std::pair<std::string, std::string>>;

/// One worker to start: what runs it, its limits, and its environment (component::WorkerEnvironment) for the doors that
/// its driver opens.
struct Launch {
  enum class How { process, container };
  WorkerKey worker;
  How how = How::process;
  std::string image = {};  ///< of a container; empty: the one with Millrace's own components
  /// Of an installed component: its folder, which a container sees under the same path, read-only. Empty: none.
  std::string folder = {};
  ResourceLimits limits = {};
  std::function<Environment(const Doors&)> environment;
};

/// How a worker ended, in words for people: "exited with 3", "killed by SIGSEGV", "over its memory limit of 512 MB".
struct Exit {
  std::string reason;
  bool clean = false;            ///< exit code 0
  std::string last_output = {};  ///< the end of what it wrote, at most 4 KiB
};

/// What happens to a worker after start(). Called on the loop, never from inside a call to the driver.
struct WorkerEvents {
  /// It runs. Not called for one that could not be started.
  std::function<void()> started;
  /// Once, and last: nothing of it runs any more, or ever did.
  std::function<void(Exit)> ended;
};

using WorkerHandle = std::uint64_t;  ///< never 0

/// Where a worker is, for people who look for it.
struct Whereabouts {
  int process_id = 0;          ///< 0: no process of ours
  std::string container = {};  ///< the first 12 digits of its id; empty: no container
};

/// A worker that an earlier life of the platform had started and that still runs.
struct Survivor {
  WorkerHandle handle = 0;
  std::string worker;       ///< WorkerKey::id()
  Credentials credentials;  ///< what it was started with
};

/// How workers are started. Called on the loop, and never blocks it.
class Driver {
 public:
  virtual ~Driver() = default;
  virtual WorkerHandle start(const Launch& launch, WorkerEvents events) = 0;
  /// SIGTERM: finish what is in work. One that does not run yet is not started any more.
  virtual void terminate(WorkerHandle worker) = 0;
  /// SIGKILL. Repeated by the driver until it has worked, if what it asks (an engine) cannot be reached.
  virtual void kill(WorkerHandle worker) = 0;
  virtual Whereabouts whereabouts(WorkerHandle worker) const = 0;

  /// Asks once for what still runs from before; `found` is called on the loop within ten seconds, also if it could not
  /// be found out (then what turns up later is removed).
  virtual void find_survivors(std::function<void(std::vector<Survivor>)> found) = 0;
  /// From now on the survivor is a worker like one that was started. False if it is not as this launch would make it
  /// now (other doors, image or limits).
  virtual bool adopt(WorkerHandle survivor, const Launch& launch, WorkerEvents events) = 0;
  /// Ends a survivor that nobody wants.
  virtual void discard(WorkerHandle survivor) = 0;
};

}  // namespace millrace::orchestrator
