#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::component {

/// How many messages a worker has ended since its start, as its commits took effect. Not a polling trigger's ticks.
struct StepCounts {
  std::uint64_t done = 0;
  std::uint64_t filtered = 0;
  std::uint64_t dead = 0;
  std::uint64_t rebounds = 0;  ///< put back for a later try

  StepCounts& operator+=(const StepCounts& more);
};

/// What a worker tells its platform of itself where the platform's own broker does not see it (RabbitMQ).
struct Presence {
  bool connected = false;     ///< to the broker
  std::uint64_t in_work = 0;  ///< messages delivered to it and not yet acknowledged
  StepCounts counts;

  /// {"connected": true, "in_work": 3, "done": 10, "filtered": 0, "dead": 0, "rebounds": 1}
  std::string to_json() const;
  /// Error::invalid names the member that is wrong; one that is missing is 0.
  static Result<Presence> from_json(std::string_view text);
};

}  // namespace millrace::component
