#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

namespace millrace::io {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using TimerId = std::uint64_t;

/// The thread that owns an object, seen from inside: time, timers, and a way to be called again. All of the platform's
/// logic (broker, scheduler, reconciler) runs on one Loop and reads time only from it, so the same code runs on
/// io/posix (real) and io/sim (virtual time).
class Loop {
 public:
  virtual ~Loop() = default;

  /// Time since the Unix epoch; may jump.
  virtual WallTime wall_now() const = 0;
  /// Never goes back.
  virtual SteadyTime steady_now() const = 0;

  /// Calls `task` soon, on this loop, after the current call has returned. The only member that other threads may use.
  virtual void post(std::function<void()> task) = 0;

  /// Calls `task` once, on this loop, no earlier than `delay` from now. The id is never 0.
  virtual TimerId after(std::chrono::nanoseconds delay, std::function<void()> task) = 0;
  /// Forgets a timer; a fired, cancelled or zero id is ignored. After this the task is not called.
  virtual void cancel(TimerId id) = 0;
};

/// Runs blocking tasks off the loop (but for run_here): file writes and syncs. They run one after another in the order
/// given.
class Offload {
 public:
  virtual ~Offload() = default;
  /// `work` runs elsewhere; when it has returned, `then` is posted to the loop.
  virtual void run(std::function<void()> work, std::function<void()> then) = 0;
  /// Likewise, for work for which the loop may be kept waiting: it may be done before this returns. `then` is posted in
  /// any case.
  virtual void run_here(std::function<void()> work, std::function<void()> then) {
    run(std::move(work), std::move(then));
  }
};

}  // namespace millrace::io
