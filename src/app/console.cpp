#include "app/console.hpp"

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/log.hpp"

namespace millrace::app {
namespace {

constexpr std::string_view erase_line = "\x1b[K";

/// stdout may be a closed pipe (`| head`); that is no reason to stop running flows.
void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool is_capable_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

std::size_t width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string status_text(const deployment::Totals& totals, std::size_t width) {
  auto text = fmt::format("accepted {}  in flight {}  done {}  retrying {}  dead {}", totals.accepted, totals.in_flight,
                          totals.done, totals.retrying, totals.dead);
  if (text.size() > width) text.resize(width);
  return text;
}

Console::Console() : terminal_(is_capable_terminal()) {
  if (terminal_ && ::isatty(STDERR_FILENO) == 1) log::clear_status_line();
}

Console::~Console() {
  if (terminal_) print(erase_line);
}

void Console::line(std::string_view text) {
  print(fmt::format("{}{}\n", terminal_ ? erase_line : "", text));
}

void Console::status(const deployment::Totals& totals) {
  // The cursor goes back to the beginning, so that whatever is printed next takes the line's place.
  if (terminal_) print(fmt::format("{}{}\r", erase_line, status_text(totals, width() - 1)));
}

}  // namespace millrace::app
