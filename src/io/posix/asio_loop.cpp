#include <unordered_map>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "io/posix/loop.hpp"

namespace millrace::io::posix {
namespace asio = boost::asio;

struct AsioLoop::State {
  asio::io_context context{1};
  std::unordered_map<TimerId, std::unique_ptr<asio::steady_timer>> timers;
  TimerId last_timer = 0;
};

AsioLoop::AsioLoop() : state_(std::make_unique<State>()) {}
AsioLoop::~AsioLoop() = default;

WallTime AsioLoop::wall_now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

SteadyTime AsioLoop::steady_now() const {
  return std::chrono::steady_clock::now();
}

void AsioLoop::post(std::function<void()> task) {
  asio::post(state_->context, std::move(task));
}

TimerId AsioLoop::after(std::chrono::nanoseconds delay, std::function<void()> task) {
  const TimerId id = ++state_->last_timer;
  auto timer = std::make_unique<asio::steady_timer>(state_->context, delay);
  timer->async_wait([this, id, task = std::move(task)](const boost::system::error_code&) {
    // A timer that has been cancelled is no longer in the map, even if its completion was already queued.
    if (state_->timers.erase(id) == 1) task();
  });
  state_->timers.emplace(id, std::move(timer));
  return id;
}

void AsioLoop::cancel(TimerId id) {
  state_->timers.erase(id);
}

void AsioLoop::run() {
  const auto keep_running = asio::make_work_guard(state_->context);
  state_->context.restart();
  state_->context.run();
}

void AsioLoop::stop() {
  state_->context.stop();
}

asio::io_context& AsioLoop::native() {
  return state_->context;
}

}  // namespace millrace::io::posix
