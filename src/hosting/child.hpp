#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "component/credential.hpp"
#include "component/program.hpp"
#include "core/log.hpp"
#include "core/result.hpp"
#include "io/posix/process.hpp"

namespace millrace::hosting {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// What this process was given and a program that it hosts may see: all but what is the worker's own
/// (ELASTICIO_…, MILLRACE_…).
Variables inherited_variables();

/// Where PATH leads to; Error::not_found says what to install.
Result<std::string> find_program(const std::string& name);

/// Starts `command` in the program's folder; its first word is searched for in PATH. `environment` is all that it gets.
/// With `talks` its stdin and stdout are the handlers' (ProcessSpec::talks).
Result<std::unique_ptr<io::posix::Process>> start_program(io::posix::AsioLoop& loop, const component::Program& program,
                                                          const std::vector<std::string>& command,
                                                          Variables environment, bool talks,
                                                          io::posix::ProcessHandlers handlers);

/// What a program writes for people, line by line, as lines of the worker's log. Those of the usual JSON loggers of
/// Node.js (bunyan, pino: "level", "msg", "err") are made readable and keep their level and what they are about.
class OutputLines {
 public:
  using Write = std::function<void(log::Level level, const std::string& text, const std::string& execution,
                                   const std::string& message)>;

  /// `usual`: of a line that does not say. By default they are written to the log.
  explicit OutputLines(log::Level usual, Write write = {});
  ~OutputLines();
  /// Takes this login's secrets out of what is written.
  void hide(const component::Login& login);
  void take(std::string_view piece);
  void line(std::string_view text);
  /// How the program that wrote them ended: "exited with code 1", "was killed by signal 9 (Killed)"; and that it was
  /// out of memory, if it has said so.
  std::string words(const io::posix::ProcessEnd& end) const;

 private:
  log::Level usual_;
  Write write_;
  std::string kept_;
  bool out_of_memory_ = false;
};

}  // namespace millrace::hosting
