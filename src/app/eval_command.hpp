#pragma once

#include <optional>
#include <string>

namespace millrace::app {

/// `millrace eval EXPR [FILE]` and `millrace eval --serve`.
struct EvalOptions {
  std::string expression;           ///< unused with `serve`
  std::optional<std::string> file;  ///< the JSON input; "-" is standard input; none: the input is undefined
  bool serve = false;               ///< answer JSON lines on standard input (jsonata/line_protocol.hpp)
};

/// Prints the result as JSON, or nothing where it is undefined. Returns the exit code: 0 done; 1 the expression failed
/// (line:column and why on standard error); 2 the file cannot be read.
int run_eval(const EvalOptions& options);

}  // namespace millrace::app
