#pragma once

#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "io/loop.hpp"

namespace millrace::io::sim {

/// A Loop in virtual time: nothing waits, and the same calls give the same run. Tasks run in the order posted; when
/// there are none, time stands at the next timer. One thread only.
class SimLoop final : public Loop {
 public:
  explicit SimLoop(WallTime start = WallTime(std::chrono::hours(24 * 365 * 50))) : wall_start_(start) {}

  WallTime wall_now() const override;
  SteadyTime steady_now() const override { return now_; }
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  TimerId after(std::chrono::nanoseconds delay, std::function<void()> task) override;
  void cancel(TimerId id) override;

  /// Runs one task, or moves time to the next timer and runs it. False: there is neither.
  bool step();
  /// Whether there is anything to do before time moves on.
  bool has_tasks() const { return !tasks_.empty(); }
  /// Runs the tasks, and those that they post; time stands still.
  void run_tasks();
  /// Runs all that happens within the next `span`, and leaves time at its end.
  void run_for(std::chrono::nanoseconds span);
  /// Someone sets the wall clock.
  void set_wall(WallTime time) { wall_start_ += time - wall_now(); }

 private:
  void run_next_task();
  void run_next_timer();

  using TimerKey = std::pair<SteadyTime, TimerId>;
  WallTime wall_start_;
  SteadyTime now_{};
  std::deque<std::function<void()>> tasks_;
  std::map<TimerKey, std::function<void()>> timers_;
  std::map<TimerId, SteadyTime> due_;
  TimerId last_timer_ = 0;
};

/// Runs work when the loop comes to it: not before the call to run() has returned, and in the order given. What may be
/// done at once is, if nothing that was given before is still to do.
class SimOffload final : public Offload {
 public:
  explicit SimOffload(SimLoop& loop) : loop_(loop) {}
  void run(std::function<void()> work, std::function<void()> then) override;
  void run_here(std::function<void()> work, std::function<void()> then) override;

 private:
  SimLoop& loop_;
  std::shared_ptr<int> to_do_ = std::make_shared<int>(0);
};

}  // namespace millrace::io::sim
