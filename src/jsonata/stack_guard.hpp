#pragma once

#include <chrono>
#include <cstdint>

namespace millrace::jsonata {

/// The lowest address the current thread's stack may grow to before recursion must stop.
std::uintptr_t stack_floor();

/// Throws the Failure U1001 when the thread's stack is nearly used up. Everything here that recurses calls it.
void guard_stack();

/// Until when the thread's innermost evaluation may run, for walks over values that ask nothing of the evaluator: a
/// value of a few bytes may have more paths through it than there is time. Lives on the thread that makes it.
class Deadline {
 public:
  explicit Deadline(std::chrono::steady_clock::time_point until);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  friend void guard_walk();
  Deadline* outer_;
  std::chrono::steady_clock::time_point until_;
};

/// guard_stack(), and the Failure U1001 when the time is over. For each array or object a walk enters.
void guard_walk();

}  // namespace millrace::jsonata
