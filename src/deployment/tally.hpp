#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "flow/plan.hpp"

namespace millrace::deployment {

/// What all flows came to.
struct Totals {
  std::uint64_t accepted = 0;   ///< executions begun since the start
  std::uint64_t in_flight = 0;  ///< messages waiting or in work
  std::uint64_t done = 0;       ///< messages that came to the end of their flow since the start
  std::uint64_t retrying = 0;   ///< messages waiting for their next try
  std::uint64_t dead = 0;       ///< dead letters
};

/// What the status line shows, from the broker's counters. `done` counts what the last steps of the flows have settled
/// for good: neither put back for a later try nor dead-lettered.
class Tally {
 public:
  /// Counts from now on. The broker outlives it.
  explicit Tally(const broker::Broker& broker) : broker_(broker) {}

  /// The plan's queues are declared; it outlives its being counted.
  void add(const flow::Plan& plan);
  /// What it has done stays counted.
  void remove(const flow::Plan& plan);

  /// `accepted`: executions begun since then by webhooks and timers. Those of polling triggers are counted here.
  Totals now(std::uint64_t accepted);

 private:
  struct DeadLetters {
    std::uint64_t published = 0;      ///< the queue's counter when it was last looked at
    std::uint64_t of_last_steps = 0;  ///< since the beginning of the count
  };

  /// A version that counts, and where it stood when it began to.
  struct Counted {
    const flow::Plan* plan;
    std::uint64_t settled_before;
    std::uint64_t polled_before;
  };

  /// Messages that the plan's polling trigger has sent on; each begins an execution.
  std::uint64_t polled_total(const flow::Plan& plan) const;
  /// What the step's queue has taken in, each message once however often it was tried.
  std::uint64_t taken_in(const flow::WorkerPlan& worker) const;
  /// Settled by the last steps, less what was put back.
  std::uint64_t settled_total(const flow::Plan& plan) const;
  std::uint64_t dead_of_last_steps(const std::string& flow);
  bool is_of_last_step(const std::string& flow, const std::string& error_key) const;

  const broker::Broker& broker_;
  std::vector<Counted> counted_;
  std::map<std::string, DeadLetters> dead_letters_;  ///< by flow
  std::uint64_t settled_by_removed_ = 0;
  std::uint64_t polled_by_removed_ = 0;
};

}  // namespace millrace::deployment
