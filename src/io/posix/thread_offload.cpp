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
      lock.unlock();
      task.work();
      loop.post(std::move(task.then));
      lock.lock();
    }
  }

  Loop& loop;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Task> tasks;
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

}  // namespace millrace::io::posix
