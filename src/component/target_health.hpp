#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "component/action.hpp"
#include "io/loop.hpp"

namespace millrace::component {

/// So many messages, different ones that are all to be tried again, must have failed in a row, and none succeeded, for
/// it to be the target's doing.
inline constexpr std::size_t failures_of_a_target = 5;

/// What one worker sees of its step's target, and what of it the platform has to know (deployment::Parking): a report,
/// JSON, with
///   ok       how many messages the target has taken since the last report
///   failed   [{ id, reason, retry_after_ms, dead }] of those that it could not take now; dead: for the last time
/// Thread: the loop's.
class TargetHealth {
 public:
  /// The target has taken a message, or has said for good that it will not.
  void passed(io::SteadyTime now);
  /// It could not take this one now.
  void failed(const std::string& message_id, const Outcome& outcome);
  /// That was the last try of the message that has just failed: it is a dead letter, and waits for nothing any more.
  void gave_up(const std::string& message_id);
  /// Whether a failure of this kind is one of the message's attempts. It is not when the target as a whole does not
  /// take messages, nor when the target bids us wait (Retry-After) while it has taken others.
  bool counts(const Outcome& outcome, bool probe, io::SteadyTime now) const;
  /// Everything fails. True from failures_of_a_target on until one passes.
  bool seems_down() const { return failing_.size() >= failures_of_a_target; }
  /// What is to be told now; success alone is told at most once a second, and at once after failures and probes.
  std::optional<std::string> take_report(io::SteadyTime now, bool probed);

 private:
  struct Failed {
    std::string id;
    std::string reason;
    std::optional<std::chrono::milliseconds> retry_after;
    bool dead = false;
  };
  std::set<std::string> failing_;  ///< since one has passed; at most failures_of_a_target
  std::optional<io::SteadyTime> passed_at_;
  std::uint64_t ok_ = 0;
  std::vector<Failed> failed_;
  bool failed_before_ = false;  ///< the last report told of failures
  std::optional<io::SteadyTime> told_at_;
};

}  // namespace millrace::component
