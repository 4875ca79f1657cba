#pragma once

#include <string>

namespace millrace::app {

/// `millrace context`: the platforms that commands may talk to, under names (contexts.hpp).
struct ContextOptions {
  std::string name = {};
  std::string server = {};
  std::string token_file = {};  ///< "-": standard input
  bool json = false;
};

/// Each returns an ExitCode; results go to stdout, errors to stderr. Tokens are never printed.
int add_context(const ContextOptions& options);
/// An empty name: none is in use any more.
int use_context(const ContextOptions& options);
int list_contexts(const ContextOptions& options);
int remove_context(const ContextOptions& options);

}  // namespace millrace::app
