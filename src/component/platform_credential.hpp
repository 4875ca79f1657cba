#pragma once

#include <memory>

#include "component/credential.hpp"
#include "component/worker_environment.hpp"
#include "io/posix/loop.hpp"

namespace millrace::component {

/// A worker's credential: asks the platform, `GET /v1/tasks/{flow}/steps/{step}/credential`, and keeps what it says for
/// five seconds, so that a secret that was changed there is soon known here, and messages do not each pay for a
/// question. Who asks while a question is under way waits for its answer. Lifetime: the loop outlives it; what waits
/// when it ends is never called.
class PlatformCredential final : public CredentialSource {
 public:
  PlatformCredential(io::posix::AsioLoop& loop, WorkerEnvironment environment);
  ~PlatformCredential() override;

  void login(Done done) override;
  void refused(const Login& login, Done done) override;
  void changed() override;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::component
