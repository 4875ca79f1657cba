#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "app/commands.hpp"
#include "app/container_doors.hpp"
#include "orchestrator/driver/docker/docker_driver.hpp"
#include "orchestrator/driver/docker/engine_address.hpp"
#include "orchestrator/driver/drivers.hpp"
#include "orchestrator/driver/process/process_driver.hpp"

namespace millrace::app {

/// What a platform's workers run on: processes of its own, and containers of a Docker Engine, which is not asked before
/// the first container is wanted, unless an earlier run has left a record of some.
class WorkerDrivers {
 public:
  struct Place {
    io::posix::AsioLoop& loop;
    broker::Users& users;
    broker::VirtualHosts hosts;
    io::posix::HttpHandler& worker_api;
    orchestrator::Doors loopback;                                                  ///< those for processes
    std::string record_path;                                                       ///< ContainerRecord
    std::function<void(const std::string& worker, std::string_view line)> output;  ///< each line that one writes
  };

  /// Error::invalid if the engine's address is malformed or the door's name unknown, damaged if the record is.
  static Result<std::unique_ptr<WorkerDrivers>> make(Place place, const DockerOptions& options);

  orchestrator::Driver& driver() { return both_; }
  /// When all workers have ended: closes the doors, removes the network.
  void close(std::function<void()> closed);
  /// For `millrace status`: the engine and, if it does not answer, since when and why. Empty if no container is wanted.
  boost::json::object report() const;

 private:
  WorkerDrivers(Place place, const DockerOptions& options, orchestrator::docker::EngineAddress address,
                std::string door, ContainerRecord record);

  ContainerRecord record_;
  ContainerDoors doors_;
  orchestrator::ProcessDriver processes_;
  orchestrator::DockerDriver containers_;
  orchestrator::Drivers both_;
};

}  // namespace millrace::app
