#pragma once

#include <cstdint>
#include <optional>

#include "io/sim/loop.hpp"

namespace millrace::flow_tests {

/// Where the process is killed: at a commit of its log, or when a call has gone out and not been answered yet.
struct Kill {
  enum class At {
    before_commit,  ///< what it would make durable is lost
    after_commit,   ///< it is durable, and nobody has been told
    call,           ///< the target has it
  };
  At at = At::before_commit;
  std::uint64_t number = 1;  ///< of the commit or call, counted from 1 after the platform is up
  /// This commit says that it is durable, and is not; 0: none. So a broken log, which crashes must bring to light.
  std::uint64_t lost_commit = 0;
};

/// The log's writing and syncing, which dies when it is told to: from then on nothing is done any more. Counts the
/// commits. The loop outlives it.
class CommitPoints final : public io::Offload {
 public:
  explicit CommitPoints(io::sim::SimLoop& loop) : loop_(loop) {}

  void run(std::function<void()> work, std::function<void()> then) override;

  /// Begins to count.
  void arm(std::optional<Kill> kill);
  std::uint64_t commits() const { return commits_; }
  bool is_dead() const { return dead_; }
  void die() { dead_ = true; }

 private:
  bool dies(Kill::At at) const { return kill_ && kill_->at == at && kill_->number == commits_; }

  io::sim::SimLoop& loop_;
  std::optional<Kill> kill_;
  bool armed_ = false;
  std::uint64_t commits_ = 0;
  bool dead_ = false;
};

}  // namespace millrace::flow_tests
