#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "flow/instances.hpp"
#include "io/loop.hpp"

namespace millrace::orchestrator {

/// What a step has to do at one moment.
struct Load {
  std::uint64_t messages = 0;  ///< waiting and in work; not those that wait for a retry
  bool waits = false;          ///< some of them are not yet in work
  std::uint64_t arrived_total = 0;
  std::uint64_t settled_total = 0;
  std::optional<std::chrono::milliseconds> oldest_wait = {};
  std::uint32_t connected = 0;  ///< instances that take messages
  bool held = false;            ///< its target is down: more instances would not help
};

/// What scale() keeps from one look to the next.
struct ScaleMemory {
  struct Advice {
    io::SteadyTime at;
    std::uint32_t instances;
  };
  std::uint32_t wanted = 0;
  io::SteadyTime raised_at = {};   ///< when `wanted` last grew
  std::deque<Advice> advice = {};  ///< of the last `settle_time`; each one greater than those after it
  std::optional<io::SteadyTime> looked_at = {};
  Load load = {};           ///< as it was then
  double arrival_rate = 0;  ///< messages a second, of the last half minute or so
  double rate_of_one = 0;   ///< what one instance does when there is enough to do; 0: not known yet
};

struct ScaleLimits {
  /// So long less must have been enough before there is less (the stabilization window of Kubernetes' autoscaler).
  std::chrono::milliseconds settle_time{60'000};
  /// A message that waits longer asks for one instance more, each time that those there are have had so long.
  std::chrono::milliseconds wait_max{10'000};
};

/// How many instances a step shall have now.
///
/// More at once: as many as it takes that each has no more than `target_backlog` messages, and one more when messages
/// wait too long although all that are wanted are there. Fewer only when that has been enough for `settle_time`, and
/// never fewer than it takes to keep up with what arrives, as far as is known what one can do: else a step that has
/// caught up would be made too small, fall behind, and so on for ever.
/// Pure: no clock, no state but the memory it is given and gives back.
ScaleMemory scale(const flow::Instances& bounds, const Load& load, ScaleMemory memory, io::SteadyTime now,
                  const ScaleLimits& limits);

}  // namespace millrace::orchestrator
