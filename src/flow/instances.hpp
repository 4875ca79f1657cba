#pragma once

#include <cstdint>

namespace millrace::flow {

inline constexpr std::uint32_t instances_max = 64;

/// How many workers share a step's messages: a fixed number, or between two bounds as many as its backlog asks for.
struct Instances {
  std::uint32_t min = 1;
  std::uint32_t max = 1;
  std::uint32_t target_backlog = 0;  ///< messages for each of them; 0: the number is fixed, and min is max

  bool is_fixed() const { return target_backlog == 0; }
  friend bool operator==(const Instances&, const Instances&) = default;
};

}  // namespace millrace::flow
