#pragma once

#include "broker/users.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::app {

/// Workers as the broker's users: each may read its step's queue and write to its flow's exchange, and nothing else.
class BrokerAccess final : public orchestrator::Access {
 public:
  explicit BrokerAccess(broker::Users& users) : users_(users) {}
  void admit(const orchestrator::WorkerKey& worker, const orchestrator::Credentials& credentials) override;
  void retire(const std::string& user) override;

 private:
  broker::Users& users_;
};

}  // namespace millrace::app
