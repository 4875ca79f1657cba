#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "io/loop.hpp"

namespace millrace::orchestrator {

/// Makes lines of what one worker writes, within bounds: a line longer than 4 KiB is cut, of more than 100 lines a
/// second the rest is left out (and said so, once a second), and only the last 4 KiB are remembered.
class OutputLines {
 public:
  using Sink = std::function<void(std::string_view line)>;
  explicit OutputLines(Sink sink) : sink_(std::move(sink)) {}

  void take(std::string_view piece, io::SteadyTime now);
  /// The writer has ended: passes on what has no line end yet.
  void finish(io::SteadyTime now);
  /// The end of all that was written; starts at the beginning of a line if it can.
  std::string last_output() const;

 private:
  void remember(std::string_view piece);
  void line(io::SteadyTime now);
  void report_left_out();

  Sink sink_;
  std::string partial_;
  bool cut_ = false;  ///< the rest of this line is left out
  std::string tail_;
  io::SteadyTime second_began_{};
  std::uint32_t lines_this_second_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace millrace::orchestrator
