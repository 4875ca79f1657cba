#pragma once

#include <memory>

#include "io/loop.hpp"

namespace boost::asio {
class io_context;
}

namespace millrace::io::posix {

/// The real loop: one Boost.Asio io_context run by one thread. Files that need Asio itself take `native()`.
class AsioLoop final : public Loop {
 public:
  AsioLoop();
  ~AsioLoop() override;

  WallTime wall_now() const override;
  SteadyTime steady_now() const override;
  void post(std::function<void()> task) override;
  TimerId after(std::chrono::nanoseconds delay, std::function<void()> task) override;
  void cancel(TimerId id) override;

  /// Runs tasks until stop(); the calling thread is the loop's thread from now on.
  void run();
  /// Makes run() return after the current task. From any thread.
  void stop();

  boost::asio::io_context& native();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Offload on one thread of its own; the destructor waits for what was begun.
class ThreadOffload final : public Offload {
 public:
  explicit ThreadOffload(Loop& loop);
  ~ThreadOffload() override;
  void run(std::function<void()> work, std::function<void()> then) override;
  /// Here, if the thread has nothing to do; else there, after what it was given before.
  void run_here(std::function<void()> work, std::function<void()> then) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::io::posix
