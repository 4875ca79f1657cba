#include "app/worker_drivers.hpp"

#include "io/posix/interface.hpp"
#include "orchestrator/driver/docker/curl_engine.hpp"

namespace millrace::app {
namespace {

using orchestrator::docker::CurlEngine;
using orchestrator::docker::EngineAddress;

orchestrator::ProcessDriver::Settings for_processes(const WorkerDrivers::Place& place) {
  orchestrator::ProcessDriver::Settings settings;
  settings.program = "/proc/self/exe";
  settings.arguments = {"worker"};
  settings.doors = place.loopback;
  settings.output = place.output;
  return settings;
}

orchestrator::DockerDriver::Settings for_containers(const DockerOptions& options, const ContainerRecord& record,
                                                    ContainerDoors& doors, const WorkerDrivers::Place& place) {
  orchestrator::DockerDriver::Settings settings;
  settings.platform = record.platform;
  settings.is_new = record.is_new;
  settings.image = options.image;
  settings.network = options.network;
  settings.logins = orchestrator::docker::RegistryLogins(options.config);
  settings.open_doors = [&doors](const orchestrator::docker::Network& network) { return doors.open(network); };
  settings.output = place.output;
  return settings;
}

}  // namespace

Result<std::unique_ptr<WorkerDrivers>> WorkerDrivers::make(Place place, const DockerOptions& options) {
  auto address = EngineAddress::parse(options.engine, options.certificates);
  if (!address) return address.error();
  auto record = ContainerRecord::load(place.record_path);
  if (!record) return record.error();
  std::string door;
  if (!options.door.empty()) {
    auto resolved = io::posix::address_of(options.door);
    if (!resolved) return Error{Error::Kind::invalid, "--docker-door: " + resolved.error().message};
    door = std::move(*resolved);
  }
  return std::unique_ptr<WorkerDrivers>(
      new WorkerDrivers(std::move(place), options, std::move(*address), std::move(door), std::move(*record)));
}

WorkerDrivers::WorkerDrivers(Place place, const DockerOptions& options, EngineAddress address, std::string door,
                             ContainerRecord record)
    : record_(std::move(record)),
      doors_(place.loop, place.users, place.worker_api, record_,
             {place.hosts, options.door, std::move(door), place.record_path}),
      processes_(place.loop, for_processes(place)),
      containers_(place.loop, std::make_unique<CurlEngine>(place.loop, std::move(address)),
                  for_containers(options, record_, doors_, place)),
      both_(processes_, containers_) {}

void WorkerDrivers::close(std::function<void()> closed) {
  doors_.stop([this, closed = std::move(closed)] { containers_.close(closed); });
}

boost::json::object WorkerDrivers::report() const {
  if (!containers_.is_used()) return {};
  boost::json::object report{{"address", containers_.engine_name()}};
  if (const auto& trouble = containers_.trouble()) {
    report["trouble"] = {{"reason", trouble->what}, {"since", trouble->since.time_since_epoch().count()}};
  }
  return report;
}

}  // namespace millrace::app
