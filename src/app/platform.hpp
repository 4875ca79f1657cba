#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.hpp"
#include "app/console.hpp"
#include "component/action.hpp"
#include "core/result.hpp"
#include "flow/flow.hpp"
#include "io/posix/loop.hpp"

namespace millrace::app {

/// Why a platform could not be started, and the ExitCode that says so.
struct StartFailure {
  int exit_code;
  std::string message;
};

/// The composition root of `millrace run`: owns every part of a running platform and the order in which they come up
/// and go down. One loop, on the calling thread; loop and catalogue outlive it.
class Platform {
 public:
  struct Hooks {
    std::function<void(std::string_view)> line;  ///< for stdout: a webhook, a started worker
  };

  /// Everything is open when this returns: webhooks are accepted, workers are starting.
  static Result<std::unique_ptr<Platform>, StartFailure> start(io::posix::AsioLoop& loop, const RunOptions& options,
                                                               const std::vector<flow::Flow>& flows,
                                                               const component::Catalogue& catalogue, Hooks hooks);
  ~Platform();

  /// Takes no more events, lets workers finish what they have in work, syncs the log; then calls `stopped`.
  void drain(std::function<void(Status)> stopped);
  /// SIGKILL, now.
  void kill_workers();
  Totals totals();

 private:
  class Parts;
  explicit Platform(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::app
