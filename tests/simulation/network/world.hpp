#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "../breakage.hpp"
#include "broker/broker.hpp"
#include "broker/users.hpp"
#include "client.hpp"
#include "door.hpp"
#include "io/sim/disk.hpp"

namespace millrace::simulation {

/// A machine with one broker behind simulated lines, and clients that come, talk AMQP to it and are cut off: between
/// any two bytes, with confirms, transactions and deliveries under way. The disk has its faults as well. What clients
/// hear is held against a NetworkLedger; the first thing that is wrong ends the run.
class NetworkWorld {
 public:
  struct Counts {
    std::uint64_t published = 0;
    std::uint64_t settled = 0;
    std::uint64_t restarts = 0;
    std::uint64_t cuts = 0;
  };

  NetworkWorld(std::uint64_t seed, Breakage breakage, bool telling);
  ~NetworkWorld();

  /// A life of some restarts; at its end everything that was ever confirmed is delivered.
  void live();
  /// One client does the same each time, and its line breaks after that many bytes from that end. False: it had
  /// said less.
  bool cut_at(Line::End from, std::uint64_t bytes);

  const std::optional<std::string>& wrong() const { return wrong_; }
  Counts counts() const;

 private:
  void boot();
  void settle();
  void crash(io::sim::Loss loss);
  void forget();
  void shut_down();
  void plan_a_fault();
  void notice_failure();
  void act(int actions);
  void act_once();
  Client& connect(Client::Habit habit);
  void tidy();
  /// All lines are whole from now on: what clients have asked for is answered, and what is there is delivered.
  void deliver_all();
  void run(std::chrono::milliseconds span);
  template <class Condition>
  bool run_until(Condition condition, std::chrono::milliseconds at_most);
  void complain(std::string what);
  void tell(const std::string& what) const;
  bool is_down() const { return disk_.is_off() || broker_ == nullptr; }
  std::uint64_t random(std::uint64_t below) { return dice_() % below; }

  const bool telling_;
  const Breakage breakage_;
  const broker::Limits limits_;
  std::mt19937_64 dice_;
  io::sim::SimDisk disk_;
  NetworkLedger ledger_;
  std::optional<std::string> wrong_;
  Counts counts_;
  std::uint64_t clients_made_ = 0;
  bool overlooked_ = false;

  io::WallTime started_{std::chrono::hours(24 * 365 * 50)};
  std::unique_ptr<io::sim::SimLoop> loop_;
  std::unique_ptr<io::Offload> offload_;
  broker::Users users_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<Surroundings> around_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace millrace::simulation
