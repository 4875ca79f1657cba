#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "history/history.hpp"
#include "history/policy.hpp"
#include "history/redaction.hpp"
#include "io/loop.hpp"

namespace millrace::history {

/// How an execution began, told by whoever began it once that is durable.
struct Beginning {
  std::string exchange;  ///< of the flow's version
  std::string execution;
  std::string message;
  std::shared_ptr<const std::string> envelope;
  std::string via;         ///< webhook, timer, run-now, replay
  std::string step = {};   ///< of a replay: the step that gets the message; empty: those after the trigger
  std::string cause = {};  ///< of a replay
};

using Began = std::function<void(Beginning)>;

/// The loop's side of the history: takes what gateway, scheduler and workers tell, and has it written elsewhere, in
/// batches. It never waits and never makes anybody wait: what would take it beyond `pending_max` is dropped and
/// counted.
///
/// Promise: what has taken effect is told only afterwards, so nothing is recorded that did not happen; of what happened
/// in the last `interval` (of a worker: StepRecorder's) before a process is killed, records may lack. Thread: the
/// loop's; the history itself is used on the offload only. Loop, offload and history outlive it.
class Recorder {
 public:
  static constexpr std::uint64_t pending_max = 32u << 20;  ///< bytes on the way to the history
  static constexpr std::chrono::milliseconds interval{50};

  Recorder(io::Loop& loop, io::Offload& offload, History& history, Policy fallback);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// A version of a flow, by its exchange.
  struct Flow {
    std::string name;
    std::int64_t version = 0;
    std::string trigger;            ///< the step
    std::uint32_t first_steps = 1;  ///< how many queues get what the trigger brings
    std::optional<Policy> policy = {};
  };
  void serve(const std::string& exchange, Flow flow);
  void withdraw(const std::string& exchange);
  /// What holds for a flow that says this, or nothing.
  Policy policy(const std::optional<Policy>& of_flow) const { return of_flow.value_or(fallback_); }

  void began(Beginning beginning);
  /// A worker's batch of framed records, and how many it has dropped since its last.
  void take(Source source, std::string records, std::uint64_t dropped);

  /// `work` on the history where it is used, after all that was told before; then `then` on the loop.
  template <class T>
  void ask(std::function<T(History&)> work, std::function<void(T)> then) {
    flush();
    auto result = std::make_shared<std::optional<T>>();
    offload_.run([&history = history_, work = std::move(work), result] { result->emplace(work(history)); },
                 [then = std::move(then), result] { then(std::move(**result)); });
  }

  struct Counts {
    std::uint64_t recorded = 0;  ///< batches' records and beginnings that were written, since the start
    std::uint64_t dropped =
        0;  ///< that were not: too much at once, no disk space, or a worker could not get rid of them
  };
  const Counts& counts() const { return counts_; }
  /// What was on disk when it was last written or pruned.
  const History::Facts& facts() const { return facts_; }
  void flush();

 private:
  struct Told;
  struct Known {
    Flow flow;
    std::shared_ptr<const Redaction> redaction;
    Policy policy;
  };
  void write(std::vector<Told> batch);
  void flush_soon();

  io::Loop& loop_;
  io::Offload& offload_;
  History& history_;
  Policy fallback_;
  std::unordered_map<std::string, std::shared_ptr<const Known>> flows_;
  std::vector<Told> told_;
  std::uint64_t pending_ = 0;  ///< bytes
  io::TimerId timer_ = 0;
  io::TimerId pruning_ = 0;
  bool failing_ = false;  ///< the last write was refused, and that was logged
  Counts counts_;
  History::Facts facts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  void prune_later();
};

}  // namespace millrace::history
