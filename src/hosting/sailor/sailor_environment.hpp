#pragma once

#include <cstdint>
#include <string>

#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "hosting/child.hpp"
#include "hosting/sailor/amqp_peer.hpp"

namespace millrace::hosting::sailor {

/// How a component reaches its worker.
struct Doors {
  AmqpPeer::Login login;
  std::uint16_t amqp_port = 0;
  std::uint16_t api_port = 0;
  std::string password;  ///< of message bodies
  std::string iv;        ///< of message bodies
};

/// What starts a component of the library.
std::vector<std::string> sailor_command(const component::Program& program);

/// All that a component's process is given, as elasticio-sailor-nodejs reads it (lib/settings.js), with its rate
/// limits and retries set to what a worker on the same machine can take.
Variables sailor_environment(const component::WorkerEnvironment& worker, const component::StepSettings& settings,
                             const Doors& doors, std::size_t prefetch);

}  // namespace millrace::hosting::sailor
