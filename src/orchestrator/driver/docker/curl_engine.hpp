#pragma once

#include <memory>

#include "io/posix/loop.hpp"
#include "io/transfers.hpp"
#include "orchestrator/driver/docker/engine.hpp"
#include "orchestrator/driver/docker/engine_address.hpp"

namespace millrace::orchestrator::docker {

/// An engine for real: over its Unix socket, or TLS. Errors name the address and the mend. libcurl is loaded with the
/// first call.
class CurlEngine final : public Engine {
 public:
  CurlEngine(io::posix::AsioLoop& loop, EngineAddress address) : loop_(loop), address_(std::move(address)) {}
  ~CurlEngine() override { *alive_ = false; }

  void call(EngineCall call, Done done) override;
  std::string name() const override { return address_.name; }

 private:
  io::posix::AsioLoop& loop_;
  EngineAddress address_;
  std::unique_ptr<io::Transfers> transfers_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::orchestrator::docker
