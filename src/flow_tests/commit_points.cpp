#include "flow_tests/commit_points.hpp"

namespace millrace::flow_tests {

void CommitPoints::arm(std::optional<Kill> kill) {
  kill_ = kill;
  armed_ = true;
}

void CommitPoints::run(std::function<void()> work, std::function<void()> then) {
  loop_.post([this, work = std::move(work), then = std::move(then)] {
    if (armed_ && !dead_) ++commits_;
    if (dies(Kill::At::before_commit)) dead_ = true;
    if (dead_) return;
    const bool is_lost = armed_ && kill_ && kill_->lost_commit == commits_;
    if (!is_lost) work();
    if (dies(Kill::At::after_commit)) dead_ = true;
    if (!dead_) loop_.post(then);
  });
}

}  // namespace millrace::flow_tests
