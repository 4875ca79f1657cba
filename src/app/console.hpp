#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::app {

/// What the status line tells.
struct Totals {
  std::uint64_t accepted = 0;   ///< executions begun since the start
  std::uint64_t in_flight = 0;  ///< messages waiting or in work
  std::uint64_t done = 0;       ///< messages that came to the end of their flow since the start
  std::uint64_t retrying = 0;   ///< messages waiting for their next try
  std::uint64_t dead = 0;       ///< dead letters
};

/// "accepted 120  in flight 3  done 117  retrying 0  dead 0", at most `width` characters.
std::string status_text(const Totals& totals, std::size_t width);

/// stdout of `millrace run`: lines that stay, and on a terminal one status line below them that is redrawn.
class Console {
 public:
  Console();
  /// Leaves the terminal with a clean line.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  bool has_status_line() const { return terminal_; }
  void line(std::string_view text);
  void status(const Totals& totals);

 private:
  bool terminal_;
};

}  // namespace millrace::app
