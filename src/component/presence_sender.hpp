#pragma once

#include <functional>
#include <memory>

#include "component/presence.hpp"
#include "component/worker_environment.hpp"
#include "io/posix/loop.hpp"

namespace millrace::component {

/// Sends `POST /v1/tasks/{flow}/steps/{step}/presence` once a second, and at once when told to; one at a time. What the
/// platform answers does not matter. Thread: the loop's; loop and environment outlive it.
class PresenceSender {
 public:
  PresenceSender(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, std::function<Presence()> look);
  ~PresenceSender();

  void tell();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::component
