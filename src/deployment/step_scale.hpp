#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "flow/instances.hpp"

namespace millrace::deployment {

/// How many instances a step of one version has and shall have, and what it has to do.
struct StepScale {
  flow::Instances file;                  ///< as its flow says
  std::optional<std::uint32_t> by_hand;  ///< as somebody has set it (`millrace scale`), which goes before
  std::uint32_t wanted = 0;
  std::optional<std::int64_t>
      waits_for;                ///< an earlier version, to keep the order: none is wanted before it is through
  std::uint32_t connected = 0;  ///< take messages
  std::uint64_t waiting = 0;
  std::uint64_t in_work = 0;
  std::optional<std::chrono::milliseconds> oldest_wait;
};

}  // namespace millrace::deployment
