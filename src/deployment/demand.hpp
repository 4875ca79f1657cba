#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/queues.hpp"
#include "deployment/deployed.hpp"
#include "deployment/parking.hpp"
#include "deployment/startups.hpp"
#include "deployment/step_scale.hpp"
#include "deployment/waiting_time.hpp"
#include "io/loop.hpp"
#include "orchestrator/orchestrator.hpp"
#include "orchestrator/scaler.hpp"

namespace millrace::deployment {

/// Which steps have workers, and how many.
///
/// A step with a fixed number of instances, or one that somebody has set, has them from its queue's first message until
/// it has been empty for a while; or, where flows are kept warm, always while its version is the current one of a
/// running flow. A step with a range has as many as orchestrator::scale() says of its backlog, and never fewer than its
/// `min` in such a version. A polling trigger's worker starts with its first tick in any case, so that it begins with
/// the snapshot that the version before has left. A trigger whose startup hook is due has one at once, and
/// none while the shutdown hook of another version is due (Startups). A suspended flow has none.
class Demand {
 public:
  struct Settings {
    bool warm = false;                                ///< workers are there before their first message, and stay
    std::chrono::milliseconds idle_time_max{60'000};  ///< how long a worker without enough to do stays
    /// Other platforms start some of the workers: that a queue has consumers does not mean that it has all of them.
    bool is_shared = false;
  };
  using Desire = std::function<void(std::vector<orchestrator::WorkerKey>)>;

  using Unread = std::function<void(const std::string& queue)>;

  /// `desire` is told who shall run, each time that this changes; `unread` (may be empty) of queues that have got
  /// messages and that no worker reads: dead letters, among others. Loop, broker and deployed outlive it.
  Demand(io::Loop& loop, broker::Queues& broker, const Deployed& deployed, const Parking& parking, Startups& startups,
         Settings settings, Desire desire, Unread unread);
  ~Demand();
  Demand(const Demand&) = delete;
  Demand& operator=(const Demand&) = delete;

  /// A flow has changed, or has queues with messages from before.
  void look_at(const Flow& flow);
  /// Something was removed, or many flows have changed: tells again who shall run.
  void tell();
  StepScale scale_of(const flow::WorkerPlan& worker) const;

 private:
  /// A queue that has messages, or had some lately.
  struct Busy {
    io::SteadyTime last_message;
    orchestrator::ScaleMemory scale = {};
    WaitingTime waiting = {};
    std::optional<std::chrono::milliseconds> oldest_wait = {};
  };

  void wanted(const std::string& queue);
  void look_at_startups();
  void tell_soon();
  void look_around();
  void review();
  /// Looks at a queue that is busy, or was; true if it shall have another number of workers.
  bool review(const flow::WorkerPlan& worker, Busy& busy);
  std::uint32_t instances_of(const flow::WorkerPlan& worker) const;
  /// The earlier version that has to be through first: a step with `ordered_by` keeps the order across versions, too.
  std::optional<std::int64_t> waits_for(const flow::WorkerPlan& worker) const;
  bool has_fewest(const flow::WorkerPlan& worker) const;
  bool is_kept_warm(const flow::WorkerPlan& worker) const;
  bool is_current(const flow::WorkerPlan& worker) const;
  bool is_busy(const flow::WorkerPlan& worker) const;

  io::Loop& loop_;
  broker::Queues& broker_;
  const Deployed& deployed_;
  const Parking& parking_;
  Startups& startups_;
  Settings settings_;
  Desire desire_;
  Unread unread_;
  std::map<std::string, Busy> busy_;  ///< by queue
  std::set<std::string> kept_;        ///< where flows are kept warm: the queues of all steps but triggers
  std::set<std::string> starting_;    ///< queues of triggers whose startup hook is due, or was lately
  io::TimerId review_timer_ = 0;
  io::TimerId tell_timer_ = 0;
  io::TimerId look_timer_ = 0;
};

}  // namespace millrace::deployment
