#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace millrace::simulation {

/// All of a run's dice, from one seed.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : dice_(seed) {}

  std::uint64_t below(std::uint64_t end) { return dice_() % end; }
  /// True so many times of a hundred.
  bool percent(unsigned so_many) { return below(100) < so_many; }
  std::chrono::milliseconds between(std::chrono::milliseconds first, std::chrono::milliseconds last) {
    return first + std::chrono::milliseconds(below(static_cast<std::uint64_t>((last - first).count()) + 1));
  }

 private:
  std::mt19937_64 dice_;
};

}  // namespace millrace::simulation
