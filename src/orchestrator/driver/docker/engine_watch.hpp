#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/loop.hpp"
#include "orchestrator/driver/docker/engine.hpp"

namespace millrace::orchestrator::docker {

/// An engine whose coming and going is noticed: said once in the log, and told to who must begin anew with it.
class EngineWatch final : public Engine {
 public:
  struct Trouble {
    std::string what;
    io::WallTime since;
  };

  EngineWatch(io::Loop& loop, std::unique_ptr<Engine> engine) : loop_(loop), engine_(std::move(engine)) {}

  void call(EngineCall call, Done done) override;
  std::string name() const override { return engine_->name(); }
  /// Why it does not answer; nullopt while it does.
  const std::optional<Trouble>& trouble() const { return trouble_; }
  /// `lost` is called when it no longer answers, `back` when it does again.
  void watch(std::function<void()> lost, std::function<void()> back);

 private:
  void unreachable(const Error& why);
  void reached();

  io::Loop& loop_;
  std::unique_ptr<Engine> engine_;
  std::optional<Trouble> trouble_;
  std::function<void()> lost_;
  std::function<void()> back_;
};

}  // namespace millrace::orchestrator::docker
