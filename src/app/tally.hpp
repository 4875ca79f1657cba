#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/console.hpp"
#include "broker/broker.hpp"
#include "flow/plan.hpp"

namespace millrace::app {

/// What the status line shows, from the broker's counters. `done` counts what the last steps of the flows have settled
/// for good: neither put back for a later try nor dead-lettered.
class Tally {
 public:
  /// Counts from now on. Broker and plans outlive it.
  Tally(const broker::Broker& broker, const std::vector<flow::Plan>& plans);

  /// `accepted`: executions begun since then by webhooks and timers. Those of polling triggers are counted here.
  Totals now(std::uint64_t accepted);

 private:
  struct DeadLetters {
    std::uint64_t published = 0;      ///< the queue's counter when it was last looked at
    std::uint64_t of_last_steps = 0;  ///< since the beginning of the count
  };

  /// Messages that polling triggers have sent on; each begins an execution.
  std::uint64_t polled_total() const;
  /// What the step's queue has taken in, each message once however often it was tried.
  std::uint64_t taken_in(const flow::WorkerPlan& worker) const;
  /// Settled by the last steps, less what was put back.
  std::uint64_t settled_total() const;
  std::uint64_t dead_of_last_steps(const flow::Plan& plan);

  const broker::Broker& broker_;
  const std::vector<flow::Plan>& plans_;
  std::map<std::string, DeadLetters> dead_letters_;  ///< by flow
  std::uint64_t settled_before_;
  std::uint64_t polled_before_;
};

}  // namespace millrace::app
