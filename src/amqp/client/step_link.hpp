#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amqp/client/confirmed_commits.hpp"
#include "amqp/client/link.hpp"
#include "io/posix/loop.hpp"

namespace millrace::amqp::client {

/// The link of a worker: one connection to the broker, one channel, one consumer. The channel is in tx mode (AMQP 0-9-1
/// §1.9), where a commit is one transaction, or in confirm mode, where ConfirmedCommits makes it.
class StepLink final : public Link {
 public:
  struct Settings {
    std::string uri;    ///< amqp(s)://user:password@host:port/vhost; see BrokerUri
    std::string queue;  ///< empty: publish only
    std::uint16_t prefetch = 1;
    std::string connection_name;
    std::optional<ConfirmedCommits::Settings> confirms = {};  ///< none: transactions
  };

  StepLink(io::posix::AsioLoop& loop, Settings settings, Handlers handlers);
  ~StepLink() override;

  void commit(Commit commit, std::function<void(Status)> done) override;
  void stop_consuming() override;
  void close(std::function<void()> closed) override;
  /// Deliveries that are neither acknowledged nor given back.
  std::size_t unsettled() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::amqp::client
