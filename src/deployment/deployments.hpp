#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/queues.hpp"
#include "cluster/membership.hpp"
#include "component/action.hpp"
#include "deployment/books.hpp"
#include "deployment/demand.hpp"
#include "deployment/deployed.hpp"
#include "deployment/order_keys.hpp"
#include "deployment/parking.hpp"
#include "deployment/startups.hpp"
#include "flow/load.hpp"
#include "gateway/gateway.hpp"
#include "history/recorder.hpp"
#include "io/loop.hpp"
#include "orchestrator/orchestrator.hpp"
#include "scheduler/scheduler.hpp"
#include "store/store.hpp"
#include "tracing/tracer.hpp"

namespace millrace::deployment {

/// Makes what runs follow what the store says shall run: the broker's exchanges and queues, webhooks, schedules,
/// workers.
///
/// The store decides; here is nothing that a start does not make again from it. A new version gets its own exchange and
/// queues, then new events; the one before keeps its workers until nothing of it is in flight, then its workers end,
/// its queues go, and the store learns that it is retired, in this order: a crash between any two of them only means
/// that the next start goes on from there.
///
/// Where several platforms share the store, each declares queues, serves webhooks and wants the same workers, of which
/// it starts those that it owns. Only the one that leads ticks schedules, takes versions and flows apart, and tells the
/// store of it; the others let go of what is gone from the store. Thread: the loop's. Lifetime: all that it is given
/// outlives it.
class Deployments {
 public:
  struct Parts {
    io::Loop& loop;
    broker::Queues& broker;
    store::Store& store;
    const component::Catalogue& catalogue;
    const flow::Variables& variables;
    const flow::Running& running;  ///< of flows that say nothing of it
    gateway::Gateway& gateway;
    scheduler::Scheduler& scheduler;
    Startups& startups;
    const tracing::Tracer* tracer = nullptr;          ///< nullptr: no traces are recorded
    const cluster::Membership* membership = nullptr;  ///< nullptr: this platform is the only one
  };
  struct Hooks {
    Demand::Desire desire;  ///< who shall run
    /// Whether workers of a version are still there.
    std::function<bool(const std::string& flow, std::int64_t version)> has_workers;
    std::function<void(const Version&)> added;    ///< a version runs from now on
    std::function<void(const Version&)> removed;  ///< a version is about to be forgotten
    std::function<void(const Flow&)> changed;     ///< as the store has it from now on
    std::function<void(const std::string& flow)> deleted;
    Demand::Unread unread;
    history::Began began = {};  ///< an execution was started by run_now
  };

  /// `deployed` is what it changes.
  Deployments(Parts parts, Deployed& deployed, Demand::Settings settings, Hooks hooks);
  ~Deployments();
  Deployments(const Deployments&) = delete;
  Deployments& operator=(const Deployments&) = delete;

  /// Makes one flow as the store has it. What cannot run (a variable is not set) is logged and shown, and harms no
  /// other.
  void follow(const store::FlowInUse& wanted);
  /// Makes one flow as the store has it now: another platform has changed it.
  void follow_store(const std::string& flow);
  /// Another set of platforms is alive, or another one leads.
  void members_changed();
  const Deployed& deployed() const { return deployed_; }
  /// How many instances a step of one version has, and shall have.
  StepScale scale_of(const flow::WorkerPlan& worker) const { return demand_.scale_of(worker); }
  /// Tries versions again that could not run, for something has changed: a component has come.
  void follow_again();

  using Started = std::function<void(Result<std::string>)>;
  /// Starts one execution now: a webhook's with `body` (JSON text) as its body, a timer's with a tick, a polling
  /// trigger's by looking. `started` gets the execution's id when it is durable, for a polling trigger that of the
  /// tick. The same `key` (may be empty) starts it once. Error::conflict if the flow does not run, or looks already.
  void run_now(const std::string& flow, const std::string& body, const std::string& key, const Started& started);
  /// Whether a step waits because its target is down; nothing if it does not.
  std::optional<Parked> parked(const flow::WorkerPlan& worker) const { return parking_.parked(worker); }
  std::uint64_t executions_total() const { return executions_total_; }
  Books& books() { return books_; }
  const Books& books() const { return books_; }

 private:
  bool leads() const { return parts_.membership == nullptr || parts_.membership->leads(); }
  std::vector<orchestrator::WorkerKey> own(std::vector<orchestrator::WorkerKey> workers) const;
  void add(Flow& flow, const store::VersionRecord& record);
  /// What earlier versions took in is no new event for the current one.
  void inherit_windows(const Flow& flow);
  void serve(const Flow& flow);
  void settle(Flow& flow);
  void look_at_drains();
  /// Whether the flow has to be looked at again.
  bool drain(Flow& flow);
  bool drain(Flow& flow, Version& version);
  void remove(const std::string& flow, std::int64_t version);
  void forget(const std::string& flow, std::int64_t version);
  bool take_apart(Flow& flow);
  /// Nothing of it is here any more; its queues are as they are.
  void let_go(Flow& flow, std::int64_t version);
  void let_go(const std::string& flow);
  void let_go_of_retired(Flow& flow, const store::FlowInUse& wanted);
  bool is_forgotten(const std::string& flow, std::int64_t version) const;

  Parts parts_;
  Hooks hooks_;
  broker::SessionId session_;
  Deployed& deployed_;
  Books books_;
  OrderKeys order_keys_;
  Parking parking_;
  Demand demand_;
  std::int64_t turn_ = 0;  ///< in which the scheduler was last told what to serve
  /// What is over here and not yet in the store: flow and version, or 0 for all of it.
  std::set<std::pair<std::string, std::int64_t>> forgotten_;
  io::TimerId timer_ = 0;
  std::uint64_t executions_total_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::deployment
