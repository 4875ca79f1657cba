#pragma once

#include <cstdint>
#include <deque>

#include "chance.hpp"
#include "io/loop.hpp"
#include "orchestrator/scaler.hpp"

namespace millrace::simulation {

/// A fake: a step's queue and what its workers make of it, a message in 20 ms each, with the real scale() to say how
/// many there shall be. Looked at once a second; what has arrived stays when the platform dies, what scale() remembers
/// does not.
class StepLoad {
 public:
  explicit StepLoad(Chance& chance) : chance_(chance) {}

  /// One second more, with so many workers at work. True if another number of them is wanted now.
  bool second(std::uint32_t connected, io::SteadyTime now);
  void forget() { memory_ = {}; }
  /// Messages a second from now on.
  void set_rate(double rate) { rate_ = rate; }
  void change_rate();

  std::uint32_t wanted() const { return memory_.wanted; }
  double backlog() const { return backlog_; }
  std::uint64_t changes = 0;

  static constexpr flow::Instances bounds{0, 8, 200};
  static constexpr double rate_of_one = 50;

 private:
  Chance& chance_;
  orchestrator::ScaleMemory memory_;
  double rate_ = 0;
  double backlog_ = 0;
  double arrived_ = 0;
  double settled_ = 0;
};

}  // namespace millrace::simulation
