#include "component/step_commits.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace::component {

StepCommits::StepCommits(io::Loop& loop, Hooks hooks)
    : loop_(loop), hooks_(std::make_shared<const Hooks>(std::move(hooks))), alive_(std::make_shared<bool>(true)) {}

StepCommits::~StepCommits() {
  stop();
}

void StepCommits::stop() {
  *alive_ = false;
}

void StepCommits::flush_soon() {
  if (under_way_ || flush_posted_) return;
  flush_posted_ = true;
  loop_.post([this, alive = alive_] {
    if (!*alive) return;
    flush_posted_ = false;
    flush();
  });
}

void StepCommits::flush() {
  if (under_way_ || cut_ || gathered_.commit.empty()) return;
  under_way_ = true;
  hooks_->complete(gathered_);
  auto commit = std::move(gathered_.commit);
  committing_ = std::exchange(gathered_, {});
  link_->commit(std::move(commit), [this, alive = alive_](const Status& status) {
    if (*alive) committed(status);
  });
}

void StepCommits::committed(const Status& status) {
  const auto alive = alive_;
  const auto hooks = hooks_;
  under_way_ = false;
  if (!status) return hooks->failed(status.error());
  counts_ += committing_.counts;
  auto batch = std::exchange(committing_, {});
  hooks->effective(batch);
  for (const auto& next : batch.then) next();
  if (!*alive) return;
  flush();
  if (*alive && !busy()) hooks->idle();
}

void StepCommits::interrupted() {
  cut_ = true;
  under_way_ = false;
  auto then = std::exchange(committing_, {}).then;
  std::ranges::move(std::exchange(gathered_, {}).then, std::back_inserter(then));
  for (const auto& next : then) next();
}

void StepCommits::mended() {
  cut_ = false;
  flush_soon();
}

}  // namespace millrace::component
