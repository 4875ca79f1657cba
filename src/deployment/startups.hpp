#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "deployment/deployed.hpp"
#include "flow/plan.hpp"
#include "orchestrator/driver.hpp"
#include "store/startups.hpp"
#include "store/store.hpp"

namespace millrace::deployment {

/// The startup and shutdown hooks of triggers that are components of elastic.io (docs/component-protocol.md): which of
/// them are due, and what the one has left for the other.
///
/// A startup hook is due for the version that takes events, of a flow that runs, once; its data is on stable storage
/// before the worker learns that it is kept. A shutdown hook is due for a version with such data that takes no events
/// any more, or whose flow is stopped or deleted. A version's startup waits for the shutdown of the one before, for
/// both may speak of one subscription; a shutdown that has begun is gone through with, also if its flow is started
/// again meanwhile. Each runs at least once: a platform that is killed in the midst of one runs it
/// again. Thread: the loop's. Lifetime: store and deployed outlive it.
class Startups {
 public:
  /// How often a shutdown hook is tried; then it is given up, with its data in the log.
  static constexpr int attempts_max = 5;

  enum class Due {
    nothing,
    startup,  ///< by the trigger's worker, of which there is one until then
    waiting,  ///< the startup, for the shutdown of another version: meanwhile the trigger has no worker
  };

  Startups(store::Store& store, const Deployed& deployed) : store_(store), deployed_(deployed) {}
  ~Startups() { *alive_ = false; }
  Startups(const Startups&) = delete;
  Startups& operator=(const Startups&) = delete;

  Status load();
  /// Reads them again: another platform that shares the store has changed some.
  void reload();
  /// `changed` is called when what is due for a flow may have changed.
  void watch(std::function<void(const std::string& flow)> changed) { changed_ = std::move(changed); }

  Due due(const flow::WorkerPlan& worker) const;
  bool is_shutdown_due(const std::string& flow, std::int64_t version) const;
  /// The workers that shall run shutdown hooks: instance 0 of a trigger.
  std::vector<orchestrator::WorkerKey> shutdowns() const;
  /// Whether a version has a startup hook under way, or a shutdown hook before it that can run. One that cannot, for
  /// its version does not, is given up.
  bool holds(const std::string& flow, std::int64_t version);

  /// A trigger's worker begins: whether it shall run the startup hook. It is let end that, whatever becomes of the flow
  /// meanwhile.
  bool begin_startup(const flow::WorkerPlan& worker);
  /// JSON text; nullptr if there is none. Valid until the loop goes on.
  const std::string* find(const flow::WorkerPlan& worker) const;
  /// What a startup hook has left. Error::conflict if there is some.
  void keep(const flow::WorkerPlan& worker, std::string data, std::function<void(Status)> done);
  /// A shutdown hook begins, with this data. Error::not_found if it need not; Error::limit if it has been tried enough:
  /// then it is given up.
  void begin_shutdown(const flow::WorkerPlan& worker, std::function<void(Result<std::string>)> done);
  /// A shutdown hook has run, or the library writes its data anew.
  void remove(const flow::WorkerPlan& worker, std::function<void(Status)> done);

 private:
  using Key = std::pair<std::string, std::int64_t>;  ///< flow, version
  struct Entry {
    std::string data;
    bool ending = false;  ///< its shutdown has begun
    int attempts = 0;     ///< of its shutdown, since the platform's start
  };

  void take(const std::vector<store::StartupRecord>& records);
  /// It is its flow's trigger, on elastic.io's library.
  bool has_hooks(const flow::WorkerPlan& worker) const;
  bool needs_startup(const flow::WorkerPlan& worker) const;
  void give_up(const Key& key, std::string_view why);
  void remove(const Key& key, std::function<void(Status)> done);

  store::Store& store_;
  const Deployed& deployed_;
  std::map<Key, Entry> entries_;
  std::set<Key> starting_;  ///< workers with a startup hook to run have begun
  std::function<void(const std::string&)> changed_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::deployment
