#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/loop.hpp"
#include "store/members.hpp"
#include "store/store.hpp"

namespace millrace::cluster {

/// One member, as the store had it when it was last asked.
struct Member {
  std::string name;
  std::string address;          ///< where its API is
  std::int64_t started_at = 0;  ///< the database's time, ms since the Unix epoch
  std::int64_t seen_at = 0;
  bool alive = false;
  bool leads = false;
};

/// This platform among those that share its store: who else is there, and which of them leads.
///
/// Guarantees: at most one member leads at a time. Each turn has an epoch of its own, greater than those before. A
/// member that cannot reach the store, or is stopped (SIGSTOP), takes itself for no leader before another one can be:
/// leads() is asked of its own steady clock, from before the request that renewed the lease, and `margin` sooner than
/// the lease ends (so the clocks of member and database may differ in rate by margin / lease_time, and the database's
/// must not be set forward by more than `margin` at once; what must not happen twice even then is fenced by the epoch).
/// Of two processes with one name the later start is the member; the other one is superseded: it leads nothing and owns
/// no worker. Not promised: that a member which the others take for gone knows it.
///
/// A store that cannot be reached changes nothing about who is alive. Thread: the loop's. Lifetime: loop and store
/// outlive it.
class Membership {
 public:
  struct Settings {
    std::string name;
    std::string address;
    std::string boot;  ///< new with each start
    std::chrono::milliseconds heartbeat{2'000};
    std::chrono::milliseconds silence_max{10'000};  ///< who is silent for longer is gone
    std::chrono::milliseconds lease_time{8'000};
    std::chrono::milliseconds margin{1'000};
  };
  /// The lease of whoever leads, as the store calls it.
  static constexpr std::string_view lease_name = "scheduler";
  /// The time by which leases end; Database::now but for tests.
  using Clock = std::function<Result<std::int64_t>(store::Database&)>;

  Membership(io::Loop& loop, store::Store& store, Settings settings, Clock clock = {});
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  /// `changed` is called when another set of members is alive, or another turn() is.
  void watch(std::function<void()> changed) { changed_ = std::move(changed); }
  /// Becomes a member, here and now, and learns who the others are; from then on it says so each heartbeat.
  Status join();
  /// Is no member any more, and leads no more. `left` is called when the store knows, or after a heartbeat at most.
  void leave(std::function<void()> left);
  /// Where the API is, which is known after join().
  void set_address(std::string address) { settings_.address = std::move(address); }

  const std::string& name() const { return settings_.name; }
  /// As the store knows it; without times.
  store::MemberRecord self() const;
  /// The names of those that are alive, this one included; in order.
  const std::vector<std::string>& alive() const { return alive_names_; }
  /// All that are known, by name.
  std::vector<Member> members() const;
  bool leads() const;
  /// The epoch in which this one leads; 0: it does not.
  std::int64_t turn() const { return leads() ? epoch_ : 0; }
  /// Whether this one starts that instance of a step (owner_of).
  bool owns(std::string_view step, std::uint32_t instance) const;

 private:
  /// What one heartbeat learns.
  struct Pulse {
    bool superseded = false;
    std::int64_t now = 0;
    std::vector<store::MemberRecord> members;
    store::LeaseRecord lease;
  };

  std::function<Result<Pulse>(store::Database&)> beat_work(bool joins) const;
  void beat();
  void take(const Result<Pulse>& pulse, io::SteadyTime asked_at);
  void learn(const Pulse& pulse, io::SteadyTime asked_at);
  void watch_lease();
  void tell_if_changed();

  io::Loop& loop_;
  store::Store& store_;
  Settings settings_;
  Clock clock_;
  std::function<void()> changed_;
  Pulse last_;
  std::vector<std::string> alive_names_;
  std::int64_t epoch_ = 0;
  io::SteadyTime leads_until_{};
  bool beating_ = false;  ///< the store is being asked
  bool left_ = false;
  bool lost_ = false;           ///< the store cannot be reached, and the log says so
  std::int64_t told_turn_ = 0;  ///< as `changed` was last told
  std::vector<std::string> told_alive_;
  io::TimerId beat_timer_ = 0;
  io::TimerId lease_timer_ = 0;
  std::shared_ptr<bool> there_ = std::make_shared<bool>(true);
};

}  // namespace millrace::cluster
