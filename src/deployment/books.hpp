#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/queues.hpp"
#include "deployment/step_count.hpp"
#include "flow/plan.hpp"

namespace millrace::deployment {

/// One flow's books; the unit is a message, and accepted = done + filtered + dead + dropped + in flight, whenever one
/// looks. docs/metrics.md says what each of them counts.
struct Balance {
  std::int64_t accepted = 0;  ///< what triggers brought in, and what fan-out has added
  std::int64_t done = 0;      ///< came to the end of the flow
  std::int64_t filtered = 0;  ///< ended before it, on purpose
  std::int64_t dead = 0;      ///< dead letters that are there
  std::int64_t dropped = 0;   ///< taken away by somebody: dead letters dropped, queues purged
  std::int64_t in_flight = 0;
  std::int64_t retrying = 0;  ///< of in_flight

  Balance& operator+=(const Balance& more);
};

/// What all flows came to.
struct Totals {
  std::uint64_t accepted = 0;   ///< executions begun since the start
  std::uint64_t in_flight = 0;  ///< messages waiting or in work
  std::uint64_t done = 0;       ///< messages that came to the end of their flow since the start
  std::uint64_t retrying = 0;   ///< messages waiting for their next try
  std::uint64_t dead = 0;       ///< dead letters
};

/// Keeps each flow's books, from the counters of its queues and from what workers tell in the commits in which
/// messages end (component::Outbox::Account): the broker counts these at the same moment, so the books balance between
/// any two commits. They begin at the start with what is in flight and the dead letters that lie there, as accepted.
///
/// Thread: the loop's. Lifetime: the broker outlives it; a plan outlives its being in the books.
class Books {
 public:
  Books(broker::Queues& broker, broker::SessionId session);
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;

  /// The plan's queues and exchange are declared.
  void add(const flow::Plan& plan);
  /// The queues, in which nothing is any more, are about to go; what they have counted stays in the books.
  void close(const flow::Plan& plan);
  /// The flow is gone, with its queues.
  void forget(const std::string& flow);
  /// So many dead letters went back to their steps.
  void retried(const std::string& flow, std::size_t count);

  Balance of(const std::string& flow) const;
  /// `executions` were begun by webhooks, timers and hand; those of polling triggers are counted here.
  Totals totals(std::uint64_t executions) const;

 private:
  /// Sums since the books were opened.
  struct Sums {
    Balance balance;           ///< dead: told by workers; dropped: left the steps' queues without an answer
    std::uint64_t polled = 0;  ///< executions begun by a polling trigger
    Sums& operator+=(const Sums& more);
  };
  struct Step {
    StepCount before;  ///< as the books were opened
    std::int64_t filtered = 0;
    std::int64_t dead = 0;
  };
  struct Version {
    const flow::Plan* plan = nullptr;
    std::vector<Step> steps;  ///< as the plan's workers
  };
  struct Letters {
    std::int64_t held = 0;
    std::int64_t published = 0;
  };
  struct Account {
    Letters before;
    std::int64_t retried = 0;
    Sums closed;                                ///< versions that are gone
    std::map<std::string, Version> versions{};  ///< by exchange
  };

  void hear_accounts(const flow::Plan& plan);
  void take(const broker::Message& message);
  Letters letters_of(const std::string& flow) const;
  Sums sums_of(const Version& version) const;
  Sums sums_of(const Account& account) const;
  Balance balance_of(const std::string& flow, const Account& account) const;

  broker::Queues& broker_;
  broker::SessionId session_;
  std::map<std::string, Account> accounts_;  ///< by flow
  Sums forgotten_;                           ///< of flows that are gone: done and polled
};

}  // namespace millrace::deployment
