#include "app/queue_parts.hpp"

#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "amqp/client/broker_uri.hpp"
#include "api/broker_dead_letters.hpp"
#include "api/stored_dead_letters.hpp"
#include "app/log_facts.hpp"
#include "broker/broker.hpp"
#include "broker/server.hpp"
#include "io/posix/disk.hpp"

namespace millrace::app {
namespace {

class EmbeddedParts final : public QueueParts {
 public:
  explicit EmbeddedParts(const Place& place) : loop_(place.loop), users_(place.users), offload_(place.loop) {}

  Status open(const std::string& folder) {
    auto disk = io::posix::PosixDisk::open(folder);
    if (!disk) return disk.error();
    disk_ = std::move(*disk);
    auto broker = broker::Broker::open(loop_, *disk_, offload_, {});
    if (!broker) return broker.error();
    broker_ = std::move(*broker);
    dead_letters_.emplace(*broker_, broker_->begin_session());
    return Done{};
  }

  broker::Queues& queues() override { return *broker_; }
  api::DeadLetters& dead_letters() override { return *dead_letters_; }

  Result<std::string> open_door() override {
    auto server = broker::Server::listen(loop_, *broker_, users_, "127.0.0.1", 0);
    if (!server) return server.error();
    server_ = std::move(*server);
    return fmt::format("127.0.0.1:{}", server_->port());
  }

  broker::VirtualHosts hosts() override { return *broker_; }

  api::BrokerFacts facts() override {
    api::BrokerFacts facts;
    facts.connections = [this] { return server_->connections(); };
    facts.traffic = [this] { return server_->traffic(); };
    facts.logs = [this] { return std::vector<api::LogFacts>{log_facts("/", *disk_, *broker_)}; };
    return facts;
  }

  boost::json::object report() const override { return {}; }

  void stop(std::function<void(Status)> stopped) override {
    server_->stop([this, stopped = std::move(stopped)] { broker_->close(stopped); });
  }

 private:
  io::posix::AsioLoop& loop_;
  broker::Users& users_;
  std::unique_ptr<io::posix::PosixDisk> disk_;  ///< the offload may still have work on it
  io::posix::ThreadOffload offload_;
  std::unique_ptr<broker::Broker> broker_;
  std::optional<api::BrokerDeadLetters> dead_letters_;
  std::unique_ptr<broker::Server> server_;
};

/// How RabbitMQ lists the platform's connection.
std::string connection_name() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return fmt::format("millrace platform {} pid {}", host, ::getpid());
}

class RabbitmqParts final : public QueueParts {
 public:
  RabbitmqParts(const Place& place, const amqp::client::BrokerUri& uri)
      : queues_(place.loop, place.store, uri, connection_name(), hooks(place)),
        dead_letters_({place.loop, queues_, queues_.begin_session(), place.store}) {}

  broker::Queues& queues() override { return queues_; }
  api::DeadLetters& dead_letters() override { return dead_letters_; }
  Result<std::string> open_door() override { return std::string(); }
  broker::VirtualHosts hosts() override { return {}; }

  api::BrokerFacts facts() override {
    api::BrokerFacts facts;
    facts.connections = [] { return std::vector<broker::ConnectionStatus>(); };
    facts.traffic = [] { return broker::Traffic(); };
    facts.logs = [] { return std::vector<api::LogFacts>(); };
    return facts;
  }

  boost::json::object report() const override {
    const auto state = queues_.state();
    boost::json::object report = {
        {"connected", state.connected}, {"since", state.since.time_since_epoch().count()}, {"waiting", state.waiting}};
    if (!state.trouble.empty()) report["trouble"] = state.trouble;
    return report;
  }

  void stop(std::function<void(Status)> stopped) override { queues_.close(std::move(stopped)); }

 private:
  rabbitmq::Queues::Hooks hooks(const Place& place) {
    rabbitmq::Queues::Hooks hooks;
    hooks.work = place.work;
    hooks.dead_letter = [this](const std::string& flow, const broker::MessagePtr& message,
                               api::DeadLetters::Durable kept) {
      dead_letters_.take_in(flow, *message, std::move(kept));
    };
    hooks.dead_letters = [this](const std::string& flow) { return dead_letters_.count(flow).waiting; };
    if (place.membership == nullptr) return hooks;
    // The ledger is the leader's: one that was stopped in the midst of a tick, and replaced, must not write it later.
    hooks.fence = [membership = place.membership](const std::string& queue) {
      return queue.ends_with(".ticks") ? std::optional(rabbitmq::LastValues::Fence{
                                             std::string(cluster::Membership::lease_name), membership->turn()})
                                       : std::nullopt;
    };
    return hooks;
  }

  rabbitmq::Queues queues_;
  api::StoredDeadLetters dead_letters_;
};

}  // namespace

Result<std::unique_ptr<QueueParts>> QueueParts::open(Place place) {
  if (place.options.amqp.empty()) {
    auto embedded = std::make_unique<EmbeddedParts>(place);
    if (auto opened = embedded->open(place.folder.broker_folder()); !opened) return opened.error();
    return std::unique_ptr<QueueParts>(std::move(embedded));
  }
  const auto uri = amqp::client::parse_broker_uri(place.options.amqp);
  if (!uri) return uri.error();
  return std::unique_ptr<QueueParts>(std::make_unique<RabbitmqParts>(place, *uri));
}

}  // namespace millrace::app
