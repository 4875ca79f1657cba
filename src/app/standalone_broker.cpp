#include "app/standalone_broker.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "app/exit_code.hpp"
#include "app/log_facts.hpp"
#include "core/log.hpp"
#include "core/together.hpp"
#include "io/posix/memory_use.hpp"
#include "io/posix/tls.hpp"

namespace millrace::app {

namespace {

constexpr std::chrono::milliseconds memory_watch_interval{50};

}  // namespace

StandaloneBroker::~StandaloneBroker() {
  loop_.cancel(memory_timer_);
}

StandaloneBroker::Started StandaloneBroker::open(const BrokerOptions& options) {
  auto folder = DataFolder::open(options.data_folder, DataFolder::Missing::create);
  if (!folder) return StartFailure{ExitCode::data_folder, folder.error().message};
  folder_.emplace(std::move(*folder));
  if (auto opened = open_host("/", folder_->broker_folder()); !opened) return opened.error();
  hosts_.emplace(*brokers_.front());
  for (const auto& name : options.hosts) {
    if (hosts_->find(name) != nullptr) continue;
    auto path = folder_->host_folder(name);
    if (!path) return StartFailure{ExitCode::data_folder, path.error().message};
    if (auto opened = open_host(name, *path); !opened) return opened.error();
    hosts_->add(name, *brokers_.back());
  }
  memory_limit_ = options.memory_limit.value_or(io::posix::memory_there_is() / 2);
  if (memory_limit_ != 0) watch_memory();
  return Done{};
}

StandaloneBroker::Started StandaloneBroker::open_host(const std::string& name, const std::string& folder) {
  auto disk = io::posix::PosixDisk::open(folder);
  if (!disk) return StartFailure{ExitCode::data_folder, disk.error().message};
  disks_.push_back(std::move(*disk));
  auto broker = broker::Broker::open(loop_, *disks_.back(), offload_, {});
  if (!broker) return StartFailure{ExitCode::data_folder, broker.error().in("vhost '" + name + "'").message};
  brokers_.push_back(std::move(*broker));
  names_.push_back(name);
  return Done{};
}

StandaloneBroker::Started StandaloneBroker::listen(const std::vector<ListenAddress>& addresses,
                                                   const BrokerOptions& options) {
  std::shared_ptr<io::posix::TlsServer> tls;
  if (!options.tls_listen.empty()) {
    auto opened = io::posix::TlsServer::open(options.tls);
    if (!opened) return StartFailure{ExitCode::usage, opened.error().message};
    tls = std::move(*opened);
  }
  broker::SessionSettings settings;
  settings.product = options.product;
  for (const auto& address : addresses) {
    const auto port = address.like_first && address.port == 0 ? servers_.back()->port() : address.port;
    auto server =
        broker::Server::listen(loop_, *hosts_, users_, address.host, port, settings, address.tls ? tls : nullptr);
    if (!server && address.like_first) continue;  // a machine without IPv6
    if (!server) return StartFailure{ExitCode::listen, server.error().message};
    servers_.push_back(std::move(*server));
    fmt::print("listening {}on {}:{}\n", address.tls ? "with TLS " : "", address.shown_host(), servers_.back()->port());
  }
  return listen_for_operators(options.metrics);
}

StandaloneBroker::Started StandaloneBroker::listen_for_operators(const std::string& metrics_address) {
  api_.emplace(*hosts_, facts());
  auto control = io::posix::HttpServer::listen(loop_, "unix:" + folder_->control_socket(), {}, *api_);
  if (!control) return StartFailure{ExitCode::data_folder, control.error().message};
  control_ = std::move(*control);
  if (!metrics_address.empty()) {
    metrics_api_.emplace(*hosts_, facts());
    auto metrics = io::posix::HttpServer::listen(loop_, metrics_address, {}, *metrics_api_);
    if (!metrics) return StartFailure{ExitCode::listen, metrics.error().in("--metrics").message};
    metrics_ = std::move(*metrics);
    fmt::print("metrics on port {}\n", metrics_->port());
  }
  std::fflush(stdout);
  return Done{};
}

api::BrokerFacts StandaloneBroker::facts() {
  api::BrokerFacts facts;
  facts.connections = [this] { return connections(); };
  facts.traffic = [this] {
    broker::Traffic sum;
    for (const auto& server : servers_) sum += server->traffic();
    return sum;
  };
  facts.logs = [this] { return logs(); };
  facts.memory = [this] { return api::MemoryFacts{io::posix::memory_use(), memory_limit_, publishing_held_}; };
  return facts;
}

std::vector<broker::ConnectionStatus> StandaloneBroker::connections() const {
  std::vector<broker::ConnectionStatus> all;
  for (const auto& server : servers_) {
    for (auto& one : server->connections()) all.push_back(std::move(one));
  }
  return all;
}

std::vector<api::LogFacts> StandaloneBroker::logs() const {
  std::vector<api::LogFacts> all;
  for (std::size_t i = 0; i < disks_.size(); ++i) {
    all.push_back(log_facts(names_[i], *disks_[i], *brokers_[i]));
  }
  return all;
}

void StandaloneBroker::watch_memory() {
  const auto allocated = io::posix::memory_use().allocated;
  if (!publishing_held_ && allocated > memory_limit_) hold_publishing(true, allocated);
  if (publishing_held_ && allocated < memory_limit_ / 10 * 9) hold_publishing(false, allocated);
  memory_timer_ = loop_.after(memory_watch_interval, [this] { watch_memory(); });
}

void StandaloneBroker::hold_publishing(bool held, std::uint64_t allocated) {
  publishing_held_ = held;
  std::optional<std::string> reason;
  if (held) reason = fmt::format("low on memory: more than {} bytes are in use", memory_limit_);
  for (const auto& broker : brokers_) broker->hold_publishing(reason);
  if (held) {
    log::warning("memory_limit_reached", {{"allocated_bytes", std::to_string(allocated)},
                                          {"limit_bytes", std::to_string(memory_limit_)},
                                          {"effect", "publishers wait"}});
  } else {
    log::info("memory_is_free_again", {{"allocated_bytes", std::to_string(allocated)}});
  }
}

void StandaloneBroker::stop(std::function<void(Status)> stopped) {
  auto last = std::make_shared<std::size_t>(servers_.size());
  for (const auto& server : servers_) {
    server->stop([this, last, stopped] {
      if (--*last == 0) close(stopped);
    });
  }
}

void StandaloneBroker::close(const std::function<void(Status)>& stopped) {
  const auto closed = together(brokers_.size(), stopped);
  for (const auto& broker : brokers_) broker->close(closed);
}

}  // namespace millrace::app
