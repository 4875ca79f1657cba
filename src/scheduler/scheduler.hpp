#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/queues.hpp"
#include "flow/plan.hpp"
#include "history/recorder.hpp"
#include "io/loop.hpp"
#include "tracing/tracer.hpp"

namespace millrace::scheduler {

/// Ticks in: wakes the triggers of flows that run by the clock.
///
/// A timer's tick is a message of the flow, with the body {"scheduled_at", "fired_at", "missed"}; a polling trigger's
/// is work on that trigger's own queue, and waits while the work of an earlier one is still there. Tick and ledger
/// (what the last tick was for, kept on the trigger's queue of ticks) are one transaction, so a time that has had its
/// tick never has another, across crashes. A time is missed when it is more than `grace` past; of the missed ones
/// the last gets a tick, or none does, as the trigger's `catch_up` says. A trigger that is new or has a new schedule
/// has missed nothing; its first interval begins now, except that a polling trigger looks at once.
///
/// The clock may be set: forward makes times missed; back by more than an hour (or an interval, if longer) begins
/// anew, by less waits until the clock is there again. While the broker refuses, the tick is tried again each second.
/// Thread: the loop's. Lifetime: loop and broker outlive it.
class Scheduler {
 public:
  static constexpr std::chrono::seconds grace{30};

  Scheduler(io::Loop& loop, broker::Queues& broker);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// The plan's trigger, if it runs by the clock, ticks from now on, instead of that of the flow's version before. The
  /// plan's queues are declared.
  void serve(const flow::Plan& plan);
  /// The flow's trigger ticks no more; its ledger stays.
  void withdraw(const std::string& flow);
  /// A polling trigger of this flow waits while these queues, of versions before, hold work.
  void wait_for(const std::string& flow, std::vector<std::string> queues);
  /// `began` is told of each execution that a timer has begun, once it is durable.
  void watch(history::Began began) { began_ = std::move(began); }
  /// Timers begin traces of this tracer from now on, which outlives it.
  void trace_with(const tracing::Tracer& tracer) { tracer_ = &tracer; }
  /// No tick is begun while this platform does not lead those that share the store.
  void lead_by(std::function<bool()> leads) { leads_ = std::move(leads); }
  /// No tick is begun after this.
  void stop();

  /// Why a polling trigger's tick is not over: it is tried again, each time later, until it works.
  struct Trouble {
    std::string reason;
    std::int64_t since = 0;      ///< of the first failure in a row, ms since the Unix epoch
    std::int64_t next_try = 0;   ///< ms since the Unix epoch
    std::uint32_t attempts = 0;  ///< that have failed
  };
  struct Upcoming {
    std::string flow;
    std::string step;
    std::string schedule;  ///< for people
    io::WallTime next;
    io::WallTime last;   ///< the time that the last tick was for
    bool looks = false;  ///< a polling trigger's tick is not over yet
    std::optional<Trouble> trouble = {};
  };
  std::optional<Upcoming> upcoming(const std::string& flow) const;
  /// Of all flows that run by the clock, by name.
  std::vector<Upcoming> all_upcoming() const;
  /// Executions that timers have begun since the start: their ticks on disk.
  std::uint64_t executions_total() const { return executions_total_; }

 private:
  struct Trigger {
    std::string flow;
    std::int64_t version = 0;
    flow::TickPlan plan;
    io::WallTime last = {};       ///< the time that the ledger says, or that it will say after `storing`
    bool resuming = false;        ///< the ledger is being asked
    bool storing = false;         ///< a commit is under way
    bool refused = false;         ///< the broker refused the last commit
    io::SteadyTime look_at = {};  ///< its place on the agenda
    std::vector<std::string> waits_for = {};
    std::optional<Trouble> trouble = {};
  };

  Upcoming upcoming_of(const Trigger& trigger) const;
  /// Asks the ledger where its schedule stands, and goes on there.
  void resume(Trigger& trigger);
  void resume(Trigger& trigger, const Result<broker::MessagePtr>& entry);
  void look();
  void plan_look(Trigger& trigger, std::chrono::nanoseconds from_now);
  void set_timer();
  bool clock_was_set();
  /// Ticks if it is time. How long until it must be looked at again.
  std::chrono::nanoseconds look_at(Trigger& trigger);
  bool is_busy(const Trigger& trigger) const;
  /// Why the tick waits, while it waits; while it is being tried, what was last known holds.
  std::optional<Trouble> trouble_of(const Trigger& trigger) const;
  void tick(Trigger& trigger, const component::Schedule::Due& due);
  void commit(Trigger& trigger, io::WallTime last, broker::MessagePtr message);
  broker::MessagePtr ledger_entry(const Trigger& trigger, io::WallTime last) const;
  broker::MessagePtr message(const Trigger& trigger, const component::Schedule::Due& due) const;

  io::Loop& loop_;
  broker::Queues& broker_;
  broker::SessionId session_;
  std::map<std::string, Trigger> triggers_;                  ///< by flow
  std::set<std::pair<io::SteadyTime, std::string>> agenda_;  ///< when each flow's trigger must be looked at
  std::chrono::nanoseconds wall_ahead_{0};                   ///< of the steady clock; another value: the clock was set
  io::TimerId timer_ = 0;
  bool stopped_ = false;
  std::uint64_t executions_total_ = 0;
  history::Began began_;
  const tracing::Tracer* tracer_ = nullptr;
  std::function<bool()> leads_;  ///< may be empty: always
};

}  // namespace millrace::scheduler
