#pragma once

#include <string>

#include "core/result.hpp"

namespace millrace::app {

/// A secret that must not stand on a command line, where `ps` and a shell's history would show it: from a file; without
/// one from standard input, up to its end, or, where that is a terminal, as a person types it, without an echo. One
/// line feed at the end is no part of it. May be empty.
Result<std::string> read_secret(const std::string& file, const std::string& what);

/// Whether a person types standard input.
bool is_terminal();

}  // namespace millrace::app
