#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "io/posix/loop.hpp"

namespace millrace::io::posix {

struct ThreadOffload::State {
  struct Task {
    std::function<void()> work;
    std::function<void()> then;
  };

  explicit State(Loop& owner) : loop(owner), thread([this] { serve(); }) {}

  void serve() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopping || !tasks.empty(); });
      if (tasks.empty()) return;
      Task task = std::move(tasks.front());
      tasks.pop_front();
      works = true;
      lock.unlock();
      task.work();
      loop.post(std::move(task.then));
      task = {};
      lock.lock();
      works = false;
    }
  }

  bool is_busy() {
    const std::lock_guard lock(mutex);
    return works || !tasks.empty();
  }

  Loop& loop;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Task> tasks;
  bool works = false;
  bool stopping = false;
  std::thread thread;  // last: it uses what stands above
};

ThreadOffload::ThreadOffload(Loop& loop) : state_(std::make_unique<State>(loop)) {}

ThreadOffload::~ThreadOffload() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_one();
  state_->thread.join();
}

void ThreadOffload::run(std::function<void()> work, std::function<void()> then) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->tasks.push_back({std::move(work), std::move(then)});
  }
  state_->changed.notify_one();
}

void ThreadOffload::run_here(std::function<void()> work, std::function<void()> then) {
  if (state_->is_busy()) return run(std::move(work), std::move(then));
  work();  // only the loop gives work, so nothing can overtake this
  state_->loop.post(std::move(then));
}

}  // namespace millrace::io::posix
