#include "io/sim/loop.hpp"

#include <algorithm>

namespace millrace::io::sim {

WallTime SimLoop::wall_now() const {
  return wall_start_ + std::chrono::floor<std::chrono::milliseconds>(now_.time_since_epoch());
}

TimerId SimLoop::after(std::chrono::nanoseconds delay, std::function<void()> task) {
  const auto due = now_ + std::max(delay, std::chrono::nanoseconds(0));
  const auto id = ++last_timer_;
  timers_.emplace(TimerKey(due, id), std::move(task));
  due_.emplace(id, due);
  return id;
}

void SimLoop::cancel(TimerId id) {
  const auto found = due_.find(id);
  if (found == due_.end()) return;
  timers_.erase({found->second, id});
  due_.erase(found);
}

void SimLoop::run_next_task() {
  const auto task = std::move(tasks_.front());
  tasks_.pop_front();
  task();
}

void SimLoop::run_next_timer() {
  const auto first = timers_.begin();
  now_ = std::max(now_, first->first.first);
  const auto task = std::move(first->second);
  due_.erase(first->first.second);
  timers_.erase(first);
  task();
}

bool SimLoop::step() {
  if (!tasks_.empty()) {
    run_next_task();
    return true;
  }
  if (timers_.empty()) return false;
  run_next_timer();
  return true;
}

void SimLoop::run_tasks() {
  while (!tasks_.empty()) run_next_task();
}

void SimLoop::run_for(std::chrono::nanoseconds span) {
  const auto end = now_ + span;
  while (true) {
    run_tasks();
    if (timers_.empty() || timers_.begin()->first.first > end) break;
    run_next_timer();
  }
  now_ = end;
}

void SimOffload::run(std::function<void()> work, std::function<void()> then) {
  ++*to_do_;
  loop_.post([&loop = loop_, to_do = to_do_, work = std::move(work), then = std::move(then)] {
    work();
    --*to_do;
    loop.post(then);
  });
}

void SimOffload::run_here(std::function<void()> work, std::function<void()> then) {
  if (*to_do_ > 0) return run(std::move(work), std::move(then));
  work();
  loop_.post(std::move(then));
}

}  // namespace millrace::io::sim
