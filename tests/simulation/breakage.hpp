#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string_view>

#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"

namespace millrace::simulation {

/// Ways in which a broker can be broken, done to it from outside: a simulation that does not notice them is worth
/// nothing.
enum class Breakage {
  none,
  sync,   ///< one sync says that it is done, and is not
  write,  ///< one write likewise
  early,  ///< what the disk has been asked for counts as done before it is
  ack,    ///< one basic.ack of a client is overlooked; only where clients speak the protocol
};

inline std::optional<Breakage> breakage_of(std::string_view name) {
  if (name == "sync") return Breakage::sync;
  if (name == "write") return Breakage::write;
  if (name == "early") return Breakage::early;
  if (name == "ack") return Breakage::ack;
  return std::nullopt;
}

/// Tells that the work is done, and then does it.
class EarlyOffload final : public io::Offload {
 public:
  explicit EarlyOffload(io::sim::SimLoop& loop) : loop_(loop) {}
  void run(std::function<void()> work, std::function<void()> then) override {
    loop_.post(std::move(then));
    loop_.after(std::chrono::milliseconds(1), std::move(work));
  }

 private:
  io::sim::SimLoop& loop_;
};

inline std::unique_ptr<io::Offload> make_offload(io::sim::SimLoop& loop, Breakage breakage) {
  if (breakage == Breakage::early) return std::make_unique<EarlyOffload>(loop);
  return std::make_unique<io::sim::SimOffload>(loop);
}

/// To be called once, with the dice of the run.
template <class Dice>
void break_disk(io::sim::SimDisk& disk, Breakage breakage, Dice& dice) {
  if (breakage == Breakage::sync) disk.skip_sync(1 + dice() % 30);
  if (breakage == Breakage::write) disk.skip_write(1 + dice() % 60);
}

}  // namespace millrace::simulation
