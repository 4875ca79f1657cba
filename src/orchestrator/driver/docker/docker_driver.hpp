#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/driver/docker/container.hpp"
#include "orchestrator/driver/docker/engine_watch.hpp"

namespace millrace::orchestrator {

/// Workers as containers of a Docker Engine, one each, named and labelled so that an engine holds at most one of a
/// worker and a platform finds its own again. Of what is on the engine, nothing without the platform's label is
/// touched; what has it and belongs to no worker is removed: at the start, when the engine is back, and every minute.
///
/// An engine that cannot be reached fails starts, and delays ends: a worker has ended when its container is known to be
/// gone. On the loop's thread; it never blocks. Destroying it leaves containers to the next platform.
class DockerDriver final : public Driver {
 public:
  struct Settings {
    std::string platform;  ///< its id
    bool is_new = false;   ///< it has made no containers yet, so that none are looked for
    std::string image;     ///< of launches that name none
    docker::RegistryLogins logins = docker::RegistryLogins("");
    std::string network = {};  ///< as in docker::Groundwork
    std::function<Result<Doors>(const docker::Network&)> open_doors;
    std::function<void(const std::string& worker, std::string_view line)> output;
  };

  DockerDriver(io::Loop& loop, std::unique_ptr<docker::Engine> engine, Settings settings);
  ~DockerDriver() override;

  WorkerHandle start(const Launch& launch, WorkerEvents events) override;
  void terminate(WorkerHandle worker) override;
  void kill(WorkerHandle worker) override;
  Whereabouts whereabouts(WorkerHandle worker) const override;
  void find_survivors(std::function<void(std::vector<Survivor>)> found) override;
  bool adopt(WorkerHandle survivor, const Launch& launch, WorkerEvents events) override;
  void discard(WorkerHandle survivor) override;

  /// A container was wanted, or looked for.
  bool is_used() const { return is_used_; }
  /// Why the engine does not answer; nullopt while it does.
  const std::optional<docker::EngineWatch::Trouble>& trouble() const { return engine_.trouble(); }
  std::string engine_name() const { return engine_.name(); }
  /// When all workers have ended: removes what may be left of them, and the platform's network. `closed` is called in
  /// any case, within ten seconds.
  void close(std::function<void()> closed);

 private:
  struct Found;
  struct Search;

  WorkerEvents events_of(WorkerHandle worker, WorkerEvents events);
  void list(std::function<void(Result<std::vector<Found>>)> listed);
  void look_at_next(const std::shared_ptr<Search>& search);
  void sweep_later(std::chrono::milliseconds delay);
  void sweep();
  bool is_known(const Found& found) const;
  void remove(
      const std::string& id, std::string_view why, std::function<void()> then = [] {});

  io::Loop& loop_;
  docker::EngineWatch engine_;
  docker::Groundwork groundwork_;
  docker::Images images_;
  docker::Site site_;
  std::map<WorkerHandle, std::shared_ptr<docker::Container>> containers_;
  struct Left;
  std::map<WorkerHandle, Left> left_;  ///< survivors that are neither adopted nor discarded yet
  WorkerHandle last_handle_ = 0;
  const bool is_new_;
  bool is_used_ = false;
  bool searched_ = false;  ///< survivors were looked for; what turns up from now on is an orphan
  io::TimerId sweep_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::orchestrator
