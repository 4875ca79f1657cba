#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/broker_api.hpp"
#include "api/metrics.hpp"
#include "app/broker_command.hpp"
#include "app/data_folder.hpp"
#include "app/listen_address.hpp"
#include "app/platform.hpp"
#include "broker/broker.hpp"
#include "broker/server.hpp"
#include "broker/users.hpp"
#include "broker/virtual_hosts.hpp"
#include "io/posix/disk.hpp"
#include "io/posix/http_server.hpp"
#include "io/posix/loop.hpp"

namespace millrace::app {

/// Everything of a broker that stands alone, in the order in which it comes up. Memory in use beyond the limit holds
/// publishers back until it is below nine tenths of it; consumers go on. Thread: the loop's. Lifetime: loop and users
/// outlive it.
class StandaloneBroker {
 public:
  using Started = StatusOf<StartFailure>;

  StandaloneBroker(io::posix::AsioLoop& loop, broker::Users& users) : loop_(loop), users_(users), offload_(loop) {}
  ~StandaloneBroker();

  /// The data folder and its virtual hosts.
  Started open(const BrokerOptions& options);
  /// The doors, each named on stdout as it opens.
  Started listen(const std::vector<ListenAddress>& addresses, const BrokerOptions& options);
  /// Ends the clients in order and syncs; then `stopped`, with the first failure.
  void stop(std::function<void(Status)> stopped);

 private:
  Started open_host(const std::string& name, const std::string& folder);
  Started listen_for_operators(const std::string& metrics_address);
  api::BrokerFacts facts();
  std::vector<broker::ConnectionStatus> connections() const;
  std::vector<api::LogFacts> logs() const;
  void watch_memory();
  void hold_publishing(bool held, std::uint64_t allocated);
  void close(const std::function<void(Status)>& stopped);

  io::posix::AsioLoop& loop_;
  broker::Users& users_;
  std::optional<DataFolder> folder_;
  std::vector<std::unique_ptr<io::posix::PosixDisk>> disks_;  ///< before the offload, which may still work on them
  io::posix::ThreadOffload offload_;
  std::vector<std::unique_ptr<broker::Broker>> brokers_;  ///< one per virtual host, as the disks and the names
  std::vector<std::string> names_;
  std::optional<broker::VirtualHosts> hosts_;
  std::vector<std::unique_ptr<broker::Server>> servers_;
  std::optional<api::BrokerApi> api_;
  std::optional<api::MetricsApi> metrics_api_;
  std::unique_ptr<io::posix::HttpServer> control_;
  std::unique_ptr<io::posix::HttpServer> metrics_;
  std::uint64_t memory_limit_ = 0;  ///< bytes; 0: none
  bool publishing_held_ = false;
  io::TimerId memory_timer_ = 0;
};

}  // namespace millrace::app
