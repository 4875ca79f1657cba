#pragma once

#include <chrono>

#include "io/loop.hpp"

namespace millrace::broker {

/// Of a connection that is read again and again, each time with little, the next bytes may gather for a moment: a
/// client that sends every frame by itself would otherwise cost a wake-up, a read and a packet a frame. Only reads that
/// come while the client has much under way count: whoever waits for an answer before going on is never kept waiting.
class ReadPace {
 public:
  static constexpr std::chrono::microseconds pause{300};

  /// `pipelining`: there was something under way before this read.
  void count(io::SteadyTime now, bool pipelining) {
    if (now - since_ > window) {
      since_ = now;
      reads_ = 0;
    }
    reads_ += pipelining ? 1 : 0;
  }
  bool is_fast() const { return reads_ > reads_max; }

 private:
  static constexpr std::chrono::milliseconds window{2};
  static constexpr int reads_max = 10;

  io::SteadyTime since_{};
  int reads_ = 0;
};

}  // namespace millrace::broker
