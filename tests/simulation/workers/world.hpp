#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "load.hpp"
#include "machine.hpp"
#include "orchestrator/driver/docker/docker_driver.hpp"
#include "orchestrator/driver/drivers.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::simulation {

/// A fake: processes in memory, which die with their platform.
class Processes final : public orchestrator::Driver {
 public:
  struct Events {
    std::function<void(orchestrator::WorkerHandle, const std::string& user)> runs;
    std::function<void(const std::string& user)> will_be_forced;
  };
  Processes(io::sim::SimLoop& loop, Chance& chance, bool& calm, Events events)
      : loop_(loop), chance_(chance), calm_(calm), events_(std::move(events)) {}
  ~Processes() override { *alive_ = false; }

  orchestrator::WorkerHandle start(const orchestrator::Launch& launch, orchestrator::WorkerEvents events) override;
  void terminate(orchestrator::WorkerHandle worker) override;
  void kill(orchestrator::WorkerHandle worker) override;
  orchestrator::Whereabouts whereabouts(orchestrator::WorkerHandle) const override { return {}; }
  void find_survivors(std::function<void(std::vector<orchestrator::Survivor>)>) override {}
  bool adopt(orchestrator::WorkerHandle, const orchestrator::Launch&, orchestrator::WorkerEvents) override {
    return false;
  }
  void discard(orchestrator::WorkerHandle) override {}

  void end(orchestrator::WorkerHandle worker, const std::string& reason);
  const std::map<orchestrator::WorkerHandle, std::string>& users() const { return users_; }

 private:
  io::sim::SimLoop& loop_;
  Chance& chance_;
  bool& calm_;
  Events events_;
  std::map<orchestrator::WorkerHandle, std::string> users_;
  std::map<orchestrator::WorkerHandle, orchestrator::WorkerEvents> told_;
  orchestrator::WorkerHandle last_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// A platform's orchestrator with the real DockerDriver on a simulated engine, and simulated processes beside it, in
/// virtual time: the wish changes, workers crash, never connect or do not end, the engine goes away, the platform dies
/// and comes back, clocks jump, people interfere. At every moment:
///
///   - a worker has at most one valid user, and at most one place where it runs with it
///   - nobody is killed by force whose user is still valid
///   - what has not our label is never touched
///   - starts of a worker that fails keep their distance
///   - of the step that scales by its backlog no more are wanted than its bounds allow
///
/// and once all is calm, what runs is what is wished for, connected, and nothing else of ours is left; the step that
/// scales catches up, keeps its number under a steady load, and ends with none when nothing comes any more.
class World : public orchestrator::Access {
 public:
  World(std::uint64_t seed, bool telling);
  ~World() override;

  /// Some minutes of trouble.
  void act(int rounds);
  /// Peace; what must hold at its end.
  void settle();
  const std::optional<std::string>& wrong() const { return wrong_; }

  struct Counts {
    std::uint64_t starts = 0, adopted = 0, platform_deaths = 0, engine_absences = 0;
  };
  Counts counts;

  void admit(const orchestrator::WorkerKey& worker, const orchestrator::Credentials& credentials) override;
  void retire(const std::string& user) override;

 private:
  void boot();
  void die();
  void trouble();
  void wish_anew();
  void wish_scaled();
  void settle_scaled();
  void say(const std::string& what);
  void violated(const std::string& what);
  void run_for(std::chrono::milliseconds span);
  orchestrator::Launch launch(const orchestrator::WorkerKey& key, const orchestrator::Credentials& credentials) const;
  void container_runs(const Machine::Box& box);
  void live(const std::string& user, std::function<void(bool out_of_memory)> end);
  void forced(const std::string& user);
  std::optional<std::string> any_container();

  bool telling_;
  io::sim::SimLoop loop_;
  Chance chance_;
  Machine machine_;
  StepLoad load_;  ///< of orders/scaled
  std::set<orchestrator::WorkerKey> wish_;
  std::map<std::string, std::string> valid_;                   ///< user → worker
  std::map<std::string, std::vector<io::SteadyTime>> starts_;  ///< of a worker, in this life of the platform

  std::unique_ptr<Processes> processes_;
  std::unique_ptr<orchestrator::DockerDriver> containers_;
  std::unique_ptr<orchestrator::Drivers> both_;
  std::unique_ptr<orchestrator::Orchestrator> orchestrator_;
  std::optional<std::string> wrong_;
};

}  // namespace millrace::simulation
