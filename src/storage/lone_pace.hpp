#pragma once

#include <chrono>
#include <cstddef>

#include "io/loop.hpp"

namespace millrace::storage {

/// Tells when commits come one by one and the disk is quick. Handing such a commit to another thread and having it back
/// takes a good part of what the disk takes, and nobody else would use the time: the loop waits for the disk itself.
/// See docs/adr/0021. Only flushes that write count.
class LonePace {
 public:
  struct Flush {
    std::size_t commits = 0;  ///< that wait for it; none: what it writes has no hurry
    std::size_t records = 0;
    bool behind = false;  ///< they have waited for the flush before it
  };

  /// `in_a_row_min`: that many flushes must have been for one commit alone.
  explicit LonePace(int in_a_row_min) : in_a_row_min_(in_a_row_min) {}

  void begin(io::SteadyTime now, const Flush& flush) {
    const bool is_crowded = flush.commits > 1 || flush.records > records_max || flush.behind;
    const bool is_alone = flush.commits == 1 && !is_crowded && now - ended_ >= idle_min;
    if (is_crowded || flush.commits > 0) in_a_row_ = is_alone ? in_a_row_ + 1 : 0;
    is_lone_ = is_alone && in_a_row_ > in_a_row_min_;
    begun_ = now;
  }
  void end(io::SteadyTime now) {
    ended_ = now;
    if (now - begun_ >= quick_max) in_a_row_ = 0;
  }
  /// Of the flush that has just begun.
  bool is_lone() const { return is_lone_; }

 private:
  /// A commit that comes this soon after the last flush was there before its end.
  static constexpr std::chrono::microseconds idle_min{25};
  static constexpr std::chrono::microseconds quick_max{500};
  /// More than that, also of what has no hurry: the loop has other work.
  static constexpr std::size_t records_max = 4;

  int in_a_row_min_;
  io::SteadyTime begun_{};
  io::SteadyTime ended_{};
  bool is_lone_ = false;
  int in_a_row_ = 0;  ///< flushes for one commit alone, none of them slow
};

}  // namespace millrace::storage
