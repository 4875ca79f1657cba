#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/json/object.hpp>

#include "api/broker_facts.hpp"
#include "api/dead_letters.hpp"
#include "app/commands.hpp"
#include "app/data_folder.hpp"
#include "broker/queues.hpp"
#include "broker/users.hpp"
#include "broker/virtual_hosts.hpp"
#include "cluster/membership.hpp"
#include "core/result.hpp"
#include "io/posix/loop.hpp"
#include "rabbitmq/queues.hpp"
#include "store/store.hpp"

namespace millrace::app {

/// Who keeps the flows' queues, with all that only that one has: the embedded broker, its log in the data folder and
/// its door for workers; or, with --amqp, RabbitMQ (docs/rabbitmq.md). Thread: the loop's.
class QueueParts {
 public:
  struct Place {
    io::posix::AsioLoop& loop;
    const ServeOptions& options;
    const DataFolder& folder;
    store::Store& store;
    broker::Users& users;                                                  ///< who may come through the door
    std::function<rabbitmq::Queues::Work(const std::string& queue)> work;  ///< what workers say of themselves
    const cluster::Membership* membership = nullptr;                       ///< nullptr: the store is shared with none
  };
  /// What is in the data folder is recovered; whether RabbitMQ can be reached shows later. All of `place` outlives it.
  static Result<std::unique_ptr<QueueParts>> open(Place place);
  virtual ~QueueParts() = default;

  virtual broker::Queues& queues() = 0;
  virtual api::DeadLetters& dead_letters() = 0;
  /// Opens the door by which workers on this machine reach the queues: ADDR:PORT; empty: they go to RabbitMQ by --amqp.
  virtual Result<std::string> open_door() = 0;
  /// What doors for containers lead to; none with RabbitMQ.
  virtual broker::VirtualHosts hosts() = 0;
  /// Of the broker's connections and disk.
  virtual api::BrokerFacts facts() = 0;
  /// For `millrace status`; empty where there is nothing to say.
  virtual boost::json::object report() const = 0;
  /// Tells clients that it stops, and comes to rest.
  virtual void stop(std::function<void(Status)> stopped) = 0;

 protected:
  QueueParts() = default;
};

}  // namespace millrace::app
