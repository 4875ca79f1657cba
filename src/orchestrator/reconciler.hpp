#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "io/loop.hpp"

namespace millrace::orchestrator {

/// Where a worker stands.
enum class Phase {
  waiting,    ///< not running; starts at `next_start`
  preparing,  ///< its driver makes it: fetches its image, creates its container
  starting,   ///< it runs, but it has not connected yet
  running,    ///< connected
  lost,       ///< its connection is gone, and it has not ended
  stopping,   ///< told to finish what it has in work and end
  killed,     ///< told to end at once; the exit has not been reported yet
};

std::string_view to_string(Phase phase);

/// One actual worker as the reconciler sees it.
struct Actual {
  std::string name;
  Phase phase = Phase::waiting;
  io::SteadyTime since;       ///< when the phase began
  io::SteadyTime next_start;  ///< waiting: not before then
  bool admitted = false;      ///< a broker user of its last start is still valid
};

struct Limits {
  std::chrono::milliseconds prepare_timeout{600'000};  ///< until it runs: images may be large
  std::chrono::milliseconds start_timeout{30'000};     ///< from then to connected
  std::chrono::milliseconds grace{10'000};             ///< from SIGTERM to SIGKILL
  std::chrono::milliseconds lost_timeout{5'000};       ///< from its connection's end to its own, or to the next
};

/// One thing to do, in this order.
struct Decision {
  enum class Kind {
    start,
    terminate,  ///< ask it to finish and end
    retire,     ///< make its user invalid: from then on nothing it does has effect
    kill,
    forget,  ///< it is not wanted and does not run
  };
  Kind kind;
  std::string worker;
  friend bool operator==(const Decision&, const Decision&) = default;
};

struct Reconciled {
  std::vector<Decision> decisions;
  std::optional<io::SteadyTime> look_again;  ///< when time alone will change the answer
};

/// What must be done so that `actual` becomes `desired` (names). Pure: no clock, no state. A worker is never started
/// while a user of its earlier life is valid, nor killed before its own has been retired (no zombie commits).
Reconciled reconcile(const std::set<std::string>& desired, const std::vector<Actual>& actual, io::SteadyTime now,
                     const Limits& limits);

}  // namespace millrace::orchestrator
