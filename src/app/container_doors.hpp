#pragma once

#include <memory>
#include <string>

#include "app/container_record.hpp"
#include "broker/server.hpp"
#include "io/posix/http_server.hpp"
#include "orchestrator/driver/docker/container_spec.hpp"

namespace millrace::app {

/// The platform's doors for workers in containers: AMQP and settings, on the gateway of their network and, where its
/// bridge is known, for what comes over that bridge (or from this machine) alone: the world does not find them there.
/// The ports stay the same from one run to the next if they can, so that containers find them again.
class ContainerDoors {
 public:
  struct Settings {
    broker::VirtualHosts hosts;  ///< none: containers reach their queues elsewhere, and have a door for settings only
    std::string name = {};       ///< what containers find them by; empty: the network's gateway
    std::string address = {};    ///< of that name, to listen on
    std::string record_path;
  };

  /// All outlive it.
  ContainerDoors(io::posix::AsioLoop& loop, broker::Users& users, io::posix::HttpHandler& worker_api,
                 ContainerRecord& record, Settings settings);

  /// Opens them, or says where they are already.
  Result<orchestrator::Doors> open(const orchestrator::docker::Network& network);
  /// Tells clients that it stops; `stopped` is called when they have gone.
  void stop(std::function<void()> stopped);

 private:
  Status listen(const std::string& address);

  io::posix::AsioLoop& loop_;
  broker::Users& users_;
  io::posix::HttpHandler& worker_api_;
  ContainerRecord& record_;
  Settings settings_;
  std::string address_;           ///< where they are open; empty: nowhere
  unsigned interface_index_ = 0;  ///< of the bridge that they were opened for: a new one of that name is another one
  std::unique_ptr<broker::Server> amqp_;
  std::unique_ptr<io::posix::HttpServer> api_;
};

}  // namespace millrace::app
