#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/driver/docker/container_spec.hpp"
#include "orchestrator/driver/docker/engine.hpp"

namespace millrace::orchestrator::docker {

/// What all containers of a platform stand on.
struct Ground {
  std::string api;  ///< what paths begin with: "/v1.41"
  Network network;
  Doors doors;
};

/// The version to speak with an engine that answers so to `GET /version`: 1.41 where it still does, its own oldest
/// otherwise. Error::unsupported if it only speaks older ones.
Result<std::string> negotiated_version(std::string_view json);

/// Makes the ground once, for all who ask: the API's version, the platform's network, its doors there. After the engine
/// was away it is made anew, for it may be another one. Engine and settings outlive it; one at a time asks the engine.
class Groundwork {
 public:
  struct Settings {
    std::string platform;  ///< its id: labels and names
    /// An existing network to use as it is; empty: one of our own, made where it is missing.
    std::string network = {};
    /// Opens the doors on the network, or says where they are already. Called each time that the ground is made.
    std::function<Result<Doors>(const Network&)> open_doors;
  };
  using Made = std::function<void(Result<Ground>)>;

  Groundwork(Engine& engine, Settings settings) : engine_(engine), settings_(std::move(settings)) {}

  void make(Made made);
  const std::optional<Ground>& ground() const { return ground_; }
  /// The engine is gone: what was made is not trusted any more.
  void forget() { ground_.reset(); }
  /// Removes our own network, if no container is in it; `removed` is called in any case.
  void remove_network(std::function<void()> removed);

 private:
  bool is_own_network() const { return settings_.network.empty(); }
  std::string network_name() const;
  void ask_version();
  void ask_network(bool may_be_made);
  void make_network();
  void read_network(const std::string& json);
  void done(Result<Ground> result);

  Engine& engine_;
  Settings settings_;
  std::string api_;
  std::optional<Ground> ground_;
  std::vector<Made> waiting_;
};

}  // namespace millrace::orchestrator::docker
