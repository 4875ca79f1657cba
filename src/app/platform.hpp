#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.hpp"
#include "component/action.hpp"
#include "core/result.hpp"
#include "deployment/books.hpp"
#include "flow/load.hpp"
#include "installed/components.hpp"
#include "io/posix/loop.hpp"

namespace millrace::app {

/// Why a platform could not be started, and the ExitCode that says so.
struct StartFailure {
  int exit_code;
  std::string message;
};

/// The composition root of `millrace serve` and `millrace run`: owns every part of a running platform and the order in
/// which they come up and go down. One loop, on the calling thread; what it is given outlives it.
class Platform {
 public:
  struct Site {
    io::posix::AsioLoop& loop;
    const ServeOptions& options;
    component::Catalogue& catalogue;
    installed::Components& installed;  ///< of the data folder
    const flow::Variables& variables;
  };
  struct Hooks {
    std::function<void(std::string_view)> line;  ///< for stdout: where the API is, where a token was written
    bool tell_of_flows = false;                  ///< and each webhook, schedule and started worker
  };

  /// Everything is open when this returns: webhooks are accepted, workers are starting. `files`: the flows of
  /// `millrace run`, which are brought into the store first; nullptr for `millrace serve`.
  static Result<std::unique_ptr<Platform>, StartFailure> start(Site site, const std::vector<flow::Flow>* files,
                                                               Hooks hooks);
  ~Platform();

  /// Takes no more events, lets workers finish what they have in work, syncs the log; then calls `stopped`.
  void drain(std::function<void(Status)> stopped);
  /// SIGKILL, now.
  void kill_workers();
  deployment::Totals totals();

 private:
  class Parts;
  explicit Platform(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::app
