#pragma once

#include <cstdint>

namespace millrace::jsonata {

/// The lowest address the current thread's stack may grow to before recursion must stop.
std::uintptr_t stack_floor();

/// Throws the Failure U1001 when the thread's stack is nearly used up. Everything here that recurses calls it.
void guard_stack();

}  // namespace millrace::jsonata
