#pragma once

namespace millrace {

/// Prints where and why to stderr and aborts. The orchestrator (or systemd) restarts the process.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const char* why);

}  // namespace millrace

/// A condition that only a bug can break. Stays on in release builds.
#define MILLRACE_CHECK(condition, why)                                               \
  do {                                                                               \
    if (!(condition)) ::millrace::check_failed(__FILE__, __LINE__, #condition, why); \
  } while (false)
