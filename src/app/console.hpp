#pragma once

#include <string>
#include <string_view>

#include "deployment/books.hpp"

namespace millrace::app {

/// "accepted 120  in flight 3  done 117  retrying 0  dead 0", at most `width` characters.
std::string status_text(const deployment::Totals& totals, std::size_t width);

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
  void status(const deployment::Totals& totals);

 private:
  bool terminal_;
};

}  // namespace millrace::app
