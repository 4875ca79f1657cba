#pragma once

#include <functional>
#include <string>
#include <utility>

#include "broker/users.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::app {

/// Workers as the broker's users: each may read its step's queue and write to its flow's exchange, and nothing else.
class BrokerAccess final : public orchestrator::Access {
 public:
  /// `retired` is told of each that was.
  BrokerAccess(broker::Users& users, std::function<void(const std::string& user)> retired)
      : users_(users), retired_(std::move(retired)) {}
  void admit(const orchestrator::WorkerKey& worker, const orchestrator::Credentials& credentials) override;
  void retire(const std::string& user) override;

 private:
  broker::Users& users_;
  std::function<void(const std::string&)> retired_;
};

}  // namespace millrace::app
