#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "breakage.hpp"
#include "broker/broker.hpp"
#include "content.hpp"
#include "history.hpp"
#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"

namespace millrace::simulation {

/// A machine with one broker, and clients that publish, consume, settle and declare by the dice of a seed. Everything
/// that they are told is held against a History; the first thing that is wrong ends the run.
class World {
 public:
  struct Counts {
    std::uint64_t published = 0;
    std::uint64_t settled = 0;
    std::uint64_t restarts = 0;
    std::uint64_t loads = 0;  ///< of parts of backlogs from disk
  };

  /// `telling`: says on stderr what happens.
  explicit World(std::uint64_t seed, Breakage breakage = Breakage::none, bool telling = false);
  ~World();

  io::sim::SimDisk& disk() { return disk_; }
  const Counts& counts() const { return counts_; }
  /// What is wrong; nothing else is of interest then.
  const std::optional<std::string>& wrong() const { return wrong_; }

  /// Starts the broker on what is on the disk, and looks at what it has recovered. The power may go while it does:
  /// then it is off afterwards.
  void boot();
  /// The clients do `actions` things, or fewer if the power goes or the storage fails.
  void act(int actions);
  /// The power goes, if it has not gone yet, and comes back.
  void crash(io::sim::Loss loss);
  /// From now on no more than this many bytes fit; after a while there is room again.
  void fill_disk(std::uint64_t capacity);
  /// The broker is closed in order.
  void shut_down();
  /// Flips bits of what is stored and opens it once more: that must go, and show no message that never was.
  bool survives(int flips);
  bool storage_failed() const { return storage_failed_; }
  std::uint64_t random(std::uint64_t below) { return random_() % below; }

 private:
  struct Held {
    broker::DeliveryId delivery;
    std::string queue;
    std::string id;
    std::uint64_t place = 0;
  };

  static constexpr const char* exchange = "x";

  void make_topology();
  void refused(const char* what, const broker::Refusal& refusal);
  void declare_all();
  void declare(const QueueRules& rules);
  void bind(const std::string& key, const std::string& queue);

  // world_clients.cpp
  void act_once();
  void publish_some();
  void transact();
  void get_one(const std::string& name);
  void check_rank(const std::string& queue, const std::string& id);
  // world_order.cpp
  void rebound_one();
  void check_turn(const std::string& id);
  void check_nobody_has_a_turn();
  bool is_out(const std::string& queue, const std::string& id) const;
  void note_ends_of_turns(const Commit& commit, std::size_t number);

  // world_clients.cpp
  void purge();
  void drain_one_queue();
  void settle_one();
  void lose_session();
  void make_room();
  void check_memory();
  Publication make_publication();
  /// Of that publication, whose size it sets. `place`: that it is to take; 0: none.
  broker::MessagePtr message(Publication& publication, std::uint64_t place = 0);
  Settling take_held(broker::Batch& batch);
  void commit(Commit commit, broker::Batch batch);
  broker::Broker::Durable durable(std::size_t number);
  void complain(std::string what);
  void tell(std::string_view event, const std::string& what) const;
  void run(std::chrono::milliseconds span);
  void forget_broker();
  std::uint64_t now() const;

  const bool telling_;
  const Breakage breakage_;
  const broker::Limits limits_;
  std::mt19937_64 random_;
  io::sim::SimDisk disk_;
  History history_;
  Counts counts_;
  std::optional<std::string> wrong_;

  std::uint64_t eagerness_ = 0;  ///< of the clients to consume, in percent of what they do
  std::vector<QueueRules> queues_;
  std::vector<std::pair<std::string, std::string>> bindings_;
  std::size_t declared_late_;  ///< how many of queues_ exist only later
  bool late_declared_ = false;

  io::WallTime started_{std::chrono::hours(24 * 365 * 50)};
  std::unique_ptr<io::sim::SimLoop> loop_;
  std::unique_ptr<io::Offload> offload_;
  std::unique_ptr<broker::Broker> broker_;
  broker::SessionId publisher_;
  broker::SessionId consumer_;
  std::vector<Held> held_;
  std::set<std::string> strays_;                     ///< out as well, and nobody will settle them: that was refused
  std::map<std::string, std::size_t> published_in_;  ///< id → number of its commit
  std::vector<std::string> message_ids_;
  std::map<std::string, std::size_t> turn_ended_in_;  ///< by key: number of the commit that took off its last one
  std::uint64_t next_id_ = 1;
  bool storage_failed_ = false;
  std::optional<std::uint64_t> full_since_;  ///< ms: the disk is full, or was when the power went
  bool scattered_ = false;                   ///< unsynced writes were, since the last recovery
};

}  // namespace millrace::simulation
