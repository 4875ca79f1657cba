#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/loop.hpp"
#include "orchestrator/backoff.hpp"
#include "orchestrator/driver.hpp"
#include "orchestrator/reconciler.hpp"

namespace millrace::orchestrator {

/// Who may come in: the broker's users.
class Access {
 public:
  virtual ~Access() = default;
  virtual void admit(const WorkerKey& worker, const Credentials& credentials) = 0;
  /// From when this returns, nothing the user does has effect: its connections are closed, its open transactions gone.
  virtual void retire(const std::string& user) = 0;
};

/// How a worker last ended.
struct LastEnd {
  std::string reason;  ///< as in Exit
  std::string last_output;
  io::WallTime at;
};

struct WorkerStatus {
  WorkerKey worker;
  Phase phase = Phase::waiting;
  Whereabouts whereabouts;                 ///< nowhere while waiting
  std::uint64_t starts = 0;                ///< since the platform's start
  std::uint64_t crashes = 0;               ///< ends that nobody had asked for
  io::WallTime since;                      ///< when the phase began
  std::chrono::milliseconds starts_in{0};  ///< while waiting
  std::optional<LastEnd> last_end;
};

/// Keeps the workers that shall run running. Reads time from the loop only; on the loop's thread.
///
/// Guarantees: at most one process or container for each WorkerKey, and at most one valid user; its user is retired
/// before it is killed and before its replacement starts; a worker that ends, for whatever reason, is started again
/// after its Backoff, forever.
class Orchestrator {
 public:
  struct Settings {
    Limits limits;
    Backoff::Schedule backoff;
  };
  struct Hooks {
    /// The program and environment for one start.
    std::function<Launch(const WorkerKey&, const Credentials&)> launch;
    /// A worker's process or container runs; may be empty.
    std::function<void(const WorkerStatus&)> started;
    /// It has logged in to the broker; may be empty.
    std::function<void(const WorkerStatus&)> ready = {};
    /// It has ended, and why: `last_end`; may be empty. `asked_for`: it was told to.
    std::function<void(const WorkerStatus&, bool asked_for)> ended = {};
  };

  /// Driver, access and loop outlive it. Destroying it leaves workers to the driver.
  Orchestrator(io::Loop& loop, Driver& driver, Access& access, Settings settings, Hooks hooks);
  ~Orchestrator();

  /// Once, at first: adopts what still runs of these workers from an earlier life of the platform, ends what else runs
  /// from then, and begins.
  void recover(const std::vector<WorkerKey>& workers);
  /// The workers that shall run from now on, instead of those before.
  void set_desired(const std::vector<WorkerKey>& workers);
  /// The broker has seen this user log in: its worker runs.
  void connected(std::string_view user);
  /// The last connection of this user is gone. Its worker comes back or ends, or else is replaced.
  void disconnected(std::string_view user);
  /// Ends all workers: SIGTERM, and SIGKILL after the grace; then calls `stopped` once, at the latest ten seconds after
  /// the grace: if an engine does not answer, its containers stay behind, without valid users.
  void stop(std::function<void()> stopped);

  std::vector<WorkerStatus> status() const;
  /// Whether a worker of this version of the flow still runs or is still to be ended.
  bool has_workers(std::string_view flow, std::int64_t version) const;

 private:
  struct Worker {
    WorkerKey key;
    Actual actual;
    Backoff backoff;
    WorkerHandle handle = 0;       ///< 0: nothing runs, nor is prepared
    std::uint64_t last_start = 0;  ///< tells the events of this start from those of others
    std::string user = {};
    std::string fault = {};  ///< why we killed it
    std::optional<io::SteadyTime> connected_at = {};
    io::WallTime since_wall = {};
    std::uint64_t starts = 0;
    std::uint64_t crashes = 0;
    std::optional<LastEnd> last_end = {};
  };

  void pass();
  void apply(const Decision& decision);
  Worker& make(const WorkerKey& key);
  void adopt(const Survivor& survivor);
  void start(Worker& worker);
  WorkerEvents events_of(const Worker& worker);
  Worker* find(const std::string& name, std::uint64_t start);
  void admit(Worker& worker, const Credentials& credentials);
  void retire(Worker& worker);
  void kill(Worker& worker);
  void started(Worker& worker);
  void ended(Worker& worker, Exit exit);
  void stopped();
  void enter(Worker& worker, Phase phase);
  Whereabouts whereabouts(const Worker& worker) const;
  WorkerStatus status_of(const Worker& worker) const;

  io::Loop& loop_;
  Driver& driver_;
  Access& access_;
  Settings settings_;
  Hooks hooks_;

  std::map<std::string, WorkerKey> desired_;  ///< by WorkerKey::id
  std::map<std::string, Worker> workers_;
  std::uint64_t last_start_ = 0;
  const std::string life_;  ///< in the users' names, so that none is like one of an earlier life
  io::TimerId timer_ = 0;
  bool recovering_ = false;  ///< survivors are being looked for: nothing is started meanwhile
  bool passing_ = false;     ///< decisions are being applied; what happens meanwhile is looked at afterwards
  bool pass_again_ = false;
  std::function<void()> stopped_;
  bool stopping_ = false;
  io::TimerId stop_timer_ = 0;
  std::shared_ptr<bool> alive_;  ///< exits reported after our end find it false
};

}  // namespace millrace::orchestrator
