#include "app/container_doors.hpp"

#include <fmt/format.h>

#include "io/posix/interface.hpp"

namespace millrace::app {

ContainerDoors::ContainerDoors(io::posix::AsioLoop& loop, broker::Users& users, io::posix::HttpHandler& worker_api,
                               ContainerRecord& record, Settings settings)
    : loop_(loop), users_(users), worker_api_(worker_api), record_(record), settings_(std::move(settings)) {}

Result<orchestrator::Doors> ContainerDoors::open(const orchestrator::docker::Network& network) {
  const bool at_gateway = settings_.name.empty();
  const auto host = at_gateway ? network.gateway : settings_.name;
  const unsigned index = io::posix::interface_index(network.interface);
  const bool over_bridge = at_gateway && index != 0;
  const auto address = over_bridge ? host + "%" + network.interface : at_gateway ? host : settings_.address;
  if (address != address_ || index != interface_index_) {
    amqp_.reset();
    api_.reset();
    address_.clear();
    if (auto done = listen(address); !done) {
      return Error{
          done.error().kind,
          fmt::format("containers cannot reach the platform: {} (where the engine is on another machine, or this "
                      "platform in a container, name an address of this one with --docker-door)",
                      done.error().message)};
    }
    address_ = address;
    interface_index_ = index;
    record_.amqp_port = amqp_ == nullptr ? 0 : amqp_->port();
    record_.api_port = api_->port();
    if (auto saved = record_.save(settings_.record_path); !saved) return saved.error();
  }
  const auto amqp = amqp_ == nullptr ? std::string() : fmt::format("{}:{}", host, amqp_->port());
  return orchestrator::Doors{amqp, fmt::format("{}:{}", host, api_->port())};
}

/// On the ports of the last run; if another program has one of them now, on any.
Status ContainerDoors::listen(const std::string& address) {
  if (!settings_.hosts.empty()) {
    auto amqp = broker::Server::listen(loop_, settings_.hosts, users_, address, record_.amqp_port);
    if (!amqp && amqp.error().kind == Error::Kind::conflict) {
      amqp = broker::Server::listen(loop_, settings_.hosts, users_, address, 0);
    }
    if (!amqp) return amqp.error();
    amqp_ = std::move(*amqp);
  }
  auto api = io::posix::HttpServer::listen(loop_, fmt::format("{}:{}", address, record_.api_port), {}, worker_api_);
  if (!api && api.error().kind == Error::Kind::conflict) {
    api = io::posix::HttpServer::listen(loop_, address + ":0", {}, worker_api_);
  }
  if (!api) return api.error();
  api_ = std::move(*api);
  return Done{};
}

void ContainerDoors::stop(std::function<void()> stopped) {
  if (amqp_ == nullptr) return stopped();
  amqp_->stop(std::move(stopped));
}

}  // namespace millrace::app
