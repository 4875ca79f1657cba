#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "deployment/deployed.hpp"
#include "io/loop.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::deployment {

/// Which steps have workers: those whose queue has got a message, until it has been empty for a while; or, where flows
/// are kept warm, each step of a running flow's current version. A polling trigger's worker starts with its first tick
/// in any case, so that it begins with the snapshot that the version before has left. A suspended flow has none.
class Demand {
 public:
  struct Settings {
    bool warm = false;                                ///< workers are there before their first message, and stay
    std::chrono::milliseconds idle_time_max{60'000};  ///< how long a worker without messages stays
  };
  using Desire = std::function<void(std::vector<orchestrator::WorkerKey>)>;

  using Unread = std::function<void(const std::string& queue)>;

  /// `desire` is told who shall run, each time that this changes; `unread` (may be empty) of queues that have got
  /// messages and that no worker reads: dead letters, among others. Loop, broker and deployed outlive it.
  Demand(io::Loop& loop, broker::Broker& broker, const Deployed& deployed, Settings settings, Desire desire,
         Unread unread);
  ~Demand();
  Demand(const Demand&) = delete;
  Demand& operator=(const Demand&) = delete;

  /// A flow has changed, or has queues with messages from before.
  void look_at(const Flow& flow);
  /// Something was removed, or many flows have changed: tells again who shall run.
  void tell();

 private:
  void wanted(const std::string& queue);
  void tell_soon();
  void review();
  bool is_warm(const Flow& flow, const Version& version, const flow::WorkerPlan& worker) const;
  bool is_busy(const flow::WorkerPlan& worker) const;

  io::Loop& loop_;
  broker::Broker& broker_;
  const Deployed& deployed_;
  Settings settings_;
  Desire desire_;
  Unread unread_;
  std::map<std::string, io::SteadyTime> busy_;  ///< by queue: when it last had messages
  io::TimerId review_timer_ = 0;
  io::TimerId tell_timer_ = 0;
};

}  // namespace millrace::deployment
