#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "cluster/membership.hpp"
#include "io/loop.hpp"
#include "store/store.hpp"

namespace millrace::cluster {

/// Things that one member at a time does, each by its name: a lease of the store for as long as it takes. A member that
/// dies in the midst of one keeps the others from it for `time_max`, no longer. Thread: the loop's. Lifetime: what it
/// is given outlives it.
class Turns {
 public:
  static constexpr std::chrono::milliseconds time_max{60'000};
  static constexpr std::chrono::milliseconds patience{20'000};
  static constexpr std::chrono::milliseconds look_interval{250};

  Turns(io::Loop& loop, store::Store& store, const Membership& membership)
      : loop_(loop), store_(store), membership_(membership) {}
  ~Turns() { *alive_ = false; }
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// `begun` is told when it is this member's turn. Error::unavailable: another one has had it for all our patience, or
  /// the store cannot be reached.
  void begin(const std::string& what, std::function<void(Status)> begun);
  void end(const std::string& what);

 private:
  void ask(const std::string& what, io::SteadyTime until, std::function<void(Status)> begun);

  io::Loop& loop_;
  store::Store& store_;
  const Membership& membership_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::cluster
