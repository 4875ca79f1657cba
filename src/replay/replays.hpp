#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/queues.hpp"
#include "deployment/deployments.hpp"
#include "history/recorder.hpp"
#include "io/loop.hpp"
#include "replay/order.hpp"
#include "store/replays.hpp"
#include "store/store.hpp"

namespace millrace::replay {

/// How far a replay has come.
struct Progress {
  std::uint64_t sent = 0;
  std::uint64_t skipped = 0;  ///< not recorded whole, or redacted; or their version is gone
};

/// What a replay would send.
struct Preview {
  Progress progress;
  std::vector<history::Chosen> examples;  ///< the first few that would be sent
};

/// Messages of the history put in again: each becomes the first of a new execution, on the queue of the step that is
/// asked for.
///
/// Guarantees: each message that the order means is put in once, also when the platform is killed meanwhile: a batch of
/// messages and the ledger's entry, which says where to go on, are one commit of the broker; ids are derived from the
/// replay's and the message's. What is recorded after the order was given is not meant. A replay waits while its step
/// has a backlog. Thread: the loop's. Lifetime: all that it is given outlives it.
class Replays {
 public:
  struct Parts {
    io::Loop& loop;
    broker::Queues& broker;
    store::Store& store;
    history::Recorder& recorder;
    deployment::Deployments& deployments;
    const tracing::Tracer* tracer = nullptr;  ///< nullptr: no traces are recorded
    /// Of the platforms that share the store, this one: it goes on with the replays that read its own history.
    std::string member = {};
  };

  explicit Replays(Parts parts);
  ~Replays();
  Replays(const Replays&) = delete;
  Replays& operator=(const Replays&) = delete;

  /// Goes on with those that an earlier process of this platform left; others' are theirs.
  void resume(const std::vector<store::ReplayRecord>& running);
  /// Nothing more is put in: the platform stops. The next one goes on.
  void halt();
  /// Begins one that is in the store.
  void begin(const store::ReplayRecord& record, const Order& order);
  /// Whether there is such a flow, and such a step where it is the current version's. Error::not_found.
  Status check(const Order& order) const;
  /// Counts what would be sent; nothing is.
  void preview(Order order, std::int64_t now, std::function<void(Result<Preview>)> told);
  /// It ends after what it has under way; `ended` when that is in the store. Error::conflict: it does not run.
  Status stop(const std::string& id, std::function<void(Status)> ended);
  const std::string& member() const { return parts_.member; }
  /// Of one that runs; nullptr otherwise.
  const Progress* progress(const std::string& id) const;

 private:
  class Run;
  friend class Run;

  Parts parts_;
  broker::SessionId session_;
  std::map<std::string, std::shared_ptr<Run>> runs_;
};

}  // namespace millrace::replay
