#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "component/outside.hpp"
#include "component/program.hpp"
#include "core/result.hpp"
#include "io/posix/process.hpp"

namespace millrace::hosting {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// What this process was given and a program that it hosts may see: all but what is the worker's own (ELASTICIO_…,
/// MILLRACE_…).
Variables inherited_variables();

/// Where PATH leads to; Error::not_found says what to install.
Result<std::string> find_program(const std::string& name);

/// Passes on what a program writes as the worker's own output, line by line. Lines of the JSON loggers that are usual
/// with Node.js (bunyan, pino: "level", "msg", "err") are made readable; a `level` of 40 or more goes to stderr.
class OutputLines {
 public:
  OutputLines(component::Outside& outside, component::Outside::Stream usual) : outside_(outside), usual_(usual) {}
  ~OutputLines();
  void take(std::string_view piece);

 private:
  void line(std::string_view text);

  component::Outside& outside_;
  component::Outside::Stream usual_;
  std::string kept_;
};

/// "exited with code 1", "was killed by signal 9 (SIGKILL)".
std::string words(const io::posix::ProcessEnd& end);

}  // namespace millrace::hosting
