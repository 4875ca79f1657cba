#include "app/broker_access.hpp"

#include "flow/plan.hpp"

namespace millrace::app {

void BrokerAccess::admit(const orchestrator::WorkerKey& worker, const orchestrator::Credentials& credentials) {
  broker::Permissions permissions;
  permissions.configure = "";
  permissions.write = flow::names::exchange(worker.flow, worker.version);
  permissions.read = flow::names::step_queue(worker.flow, worker.version, worker.step);
  users_.add(credentials.user, credentials.password, permissions);
}

void BrokerAccess::retire(const std::string& user) {
  users_.retire(user);
  retired_(user);
}

}  // namespace millrace::app
