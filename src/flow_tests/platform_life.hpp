#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "broker/broker.hpp"
#include "component/step_runner.hpp"
#include "deployment/order_keys.hpp"
#include "flow/flow.hpp"
#include "flow/plan.hpp"
#include "flow_tests/commit_points.hpp"
#include "flow_tests/door.hpp"
#include "flow_tests/file/test_file.hpp"
#include "flow_tests/journal.hpp"
#include "flow_tests/stand_in_credential.hpp"
#include "gateway/gateway.hpp"
#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"
#include "scheduler/scheduler.hpp"

namespace millrace::flow_tests {

/// A flow with what is made of it; its catalogue outlives it.
struct TestedFlow {
  const flow::Flow& flow;
  const flow::Plan& plan;
  const component::Catalogue& catalogue;
};

/// One life of the platform in one process and in virtual time, from its start on what is on the disk to its death:
/// broker, gateway, scheduler, and of every step all instances. Destroying it is a crash. What it is made from outlives
/// it.
class PlatformLife {
 public:
  PlatformLife(const TestedFlow& tested, io::sim::SimDisk& disk, Journal& journal, io::WallTime now);
  ~PlatformLife();

  /// Recovers, declares, makes every step; the loop has nothing to do when it returns. An Error names the step that
  /// cannot be made.
  Status start();

  io::sim::SimLoop& loop() { return loop_; }
  CommitPoints& commit_points() { return commit_points_; }

  /// A request to the flow's webhook, with the execution id that it gets unless it has an idempotency key.
  void request(const GivenRequest& request, const std::string& execution, io::posix::Respond respond);
  /// A message for a step. `stored` is called when it is durable; one of an id that was there before is dropped.
  void put(const GivenMessage& message, const std::string& id, broker::Broker::Durable stored);
  /// The trigger's schedule runs from the first start to the last stop.
  void start_schedule();
  void stop_schedule();

  /// No message waits or is in work, and all is durable.
  bool is_at_rest() const;
  /// The messages that wait or are in work, by step: "publish 1 (try again at …)".
  std::string what_is_left() const;
  /// Whether a message of that execution waits at one of the flow's first steps.
  bool has_taken(const std::string& execution) const;
  /// Messages that were taken off the step's queue for good, in all lives.
  std::uint64_t handled(const std::string& step) const;
  std::vector<boost::json::object> dead_letters() const;
  /// A polling trigger's; null if there is none.
  boost::json::value snapshot(const std::string& step) const;

 private:
  struct Instance {
    Door door;
    StepJournal journal;
    std::optional<StandInCredential> credential;
    std::optional<component::StepRunner> runner;  ///< after what it uses
  };

  Status declare();
  Status start_worker(const flow::WorkerPlan& plan, std::uint32_t number);

  TestedFlow tested_;
  io::sim::SimDisk& disk_;
  Journal& journal_;
  io::sim::SimLoop loop_;
  CommitPoints commit_points_;
  deployment::OrderKeys order_keys_;
  std::unique_ptr<broker::Broker> broker_;
  broker::SessionId session_;
  std::string next_execution_;
  std::optional<gateway::Gateway> gateway_;
  std::optional<scheduler::Scheduler> scheduler_;
  int schedule_users_ = 0;
  std::size_t open_commits_ = 0;  ///< of the steps
  std::vector<std::unique_ptr<Instance>> instances_;
};

}  // namespace millrace::flow_tests
