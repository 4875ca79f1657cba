#pragma once

#include <chrono>

#include "io/loop.hpp"

namespace millrace::storage {

/// Tells when commits come one by one and the disk is quick. Handing such a commit to another thread and having it back
/// takes a good part of what the disk takes, and nobody else would use the time: the loop waits for the disk itself.
/// See docs/adr/0021.
class LonePace {
 public:
  /// `in_a_row_min`: that many flushes must have been for one commit alone.
  explicit LonePace(int in_a_row_min) : in_a_row_min_(in_a_row_min) {}

  /// A flush begins, for which `commits` wait; none: it is of what has no hurry.
  void begin(io::SteadyTime now, std::size_t commits) {
    const bool is_alone = commits == 1 && now - ended_ >= idle_min;
    if (commits > 0) in_a_row_ = is_alone ? in_a_row_ + 1 : 0;
    is_lone_ = is_alone && in_a_row_ > in_a_row_min_ && took_ < quick_max;
    begun_ = now;
  }
  void end(io::SteadyTime now) {
    ended_ = now;
    took_ = now - begun_;
  }
  /// Of the flush that has just begun.
  bool is_lone() const { return is_lone_; }

 private:
  /// A commit that comes this soon after the last flush was there before its end.
  static constexpr std::chrono::microseconds idle_min{25};
  static constexpr std::chrono::microseconds quick_max{500};

  int in_a_row_min_;
  io::SteadyTime begun_{};
  io::SteadyTime ended_{};
  std::chrono::nanoseconds took_ = std::chrono::nanoseconds::max();  ///< the last flush
  bool is_lone_ = false;
  int in_a_row_ = 0;  ///< flushes for one commit alone
};

}  // namespace millrace::storage
