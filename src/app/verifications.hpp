#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "api/verification.hpp"
#include "api/worker_api.hpp"
#include "app/commands.hpp"
#include "broker/users.hpp"
#include "io/posix/loop.hpp"
#include "orchestrator/driver.hpp"

namespace millrace::app {

/// Credentials tried on their services, each in a worker process of its own (run_verification), which asks the platform
/// for what it shall try as any worker asks for its step's settings. It is killed if it has not ended after 20 seconds;
/// at most four run at a time, and what goes beyond is told so. Thread: the loop's. All that it is given outlives it.
class Verifications {
 public:
  struct Parts {
    io::posix::AsioLoop& loop;
    broker::Users& users;
    api::WorkerApi& worker_api;
    const ServeOptions& options;
    orchestrator::Doors doors;  ///< of processes
    std::string run_id;
  };
  explicit Verifications(Parts parts);
  ~Verifications();
  Verifications(const Verifications&) = delete;
  Verifications& operator=(const Verifications&) = delete;

  void start(const api::VerificationOrder& order, std::function<void(api::Verdict)> done);

 private:
  struct Trial;
  void over(const std::string& id, const api::Verdict& verdict);

  Parts parts_;
  std::map<std::string, std::unique_ptr<Trial>> trials_;  ///< by id, which is also the worker's user
};

}  // namespace millrace::app
