#include "app/secret_input.hpp"

#include <iostream>
#include <iterator>

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include "app/secret_file.hpp"

namespace millrace::app {
namespace {

void drop_line_end(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

/// The terminal shows again what is typed when this ends.
class NoEcho {
 public:
  NoEcho() : works_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    auto quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (works_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~NoEcho() {
    if (works_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool works_;
};

}  // namespace

bool is_terminal() {
  return ::isatty(STDIN_FILENO) != 0;
}

Result<std::string> read_secret(const std::string& file, const std::string& what) {
  std::string text;
  if (!file.empty() && file != "-") {
    auto read = read_secret_file(file, Readers::any);
    if (!read) return read.error();
    text = std::move(*read);
  } else if (is_terminal()) {
    fmt::print(stderr, "{}: ", what);
    const NoEcho quiet;
    std::getline(std::cin, text);
    fmt::print(stderr, "\n");
  } else {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  }
  drop_line_end(text);
  return text;
}

}  // namespace millrace::app
