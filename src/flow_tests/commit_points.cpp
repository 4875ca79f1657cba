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
    work();
    if (dies(Kill::At::after_commit)) dead_ = true;
    if (!dead_) loop_.post(then);
  });
}

}  // namespace millrace::flow_tests
