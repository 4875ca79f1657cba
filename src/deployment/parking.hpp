#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "broker/queues.hpp"
#include "deployment/target_state.hpp"
#include "flow/plan.hpp"
#include "io/loop.hpp"

namespace millrace::deployment {

/// A step whose target does not take messages as fast as they come, for those that ask.
struct Parked {
  TargetState::Mode mode = TargetState::Mode::open;
  io::WallTime since;
  std::string reason;
  std::optional<io::WallTime> next_try;  ///< parked: when the next probe goes out; throttled: when it goes on
  std::uint64_t probes = 0;              ///< that went out since then
  std::uint64_t waiting = 0;             ///< messages, those that wait for a retry among them
  std::optional<double> rate;            ///< messages a second
  std::optional<io::WallTime> done_at;   ///< when all of them will be through if the target is up at `next_try`
};

/// Holds the queues of steps whose target is down, for all their workers, wherever they run: hears what workers tell on
/// their version's health queue, and sets the gates of the steps' queues as TargetState says.
///
/// What is parked is not kept across a restart: the first messages find it out again. Thread: the loop's. Lifetime:
/// loop and broker outlive it.
class Parking : private broker::ConsumerSink {
 public:
  Parking(io::Loop& loop, broker::Queues& broker, broker::SessionId session);
  ~Parking() override;
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  /// A version runs from now on; its queues are declared.
  void add(const flow::Plan& plan);
  void remove(const flow::Plan& plan);
  /// Nothing if its messages go out as they come.
  std::optional<Parked> parked(const flow::WorkerPlan& worker) const;
  /// Whether more instances of the step would be of no use.
  bool holds(const std::string& queue) const;

 private:
  struct Step {
    std::string name;  ///< "orders/publish"
    TargetState state = {};
    TargetState::Mode told = TargetState::Mode::open;
  };

  bool ready() const override { return true; }
  void deliver(broker::Delivery delivery) override;
  void cancelled(broker::ConsumerId) override {}
  TargetState::Queue facts_of(const std::string& queue) const;
  void look();
  void tell(Step& step, const std::string& queue);
  io::WallTime wall(io::SteadyTime time) const;

  io::Loop& loop_;
  broker::Queues& broker_;
  broker::SessionId session_;
  std::map<std::string, Step> steps_;                    ///< by queue
  std::map<std::string, std::string> queues_;            ///< by the exchange and key of a report
  std::map<std::string, broker::ConsumerId> consumers_;  ///< by health queue
  io::TimerId timer_ = 0;
};

}  // namespace millrace::deployment
