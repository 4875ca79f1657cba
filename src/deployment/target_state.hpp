#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.hpp"
#include "io/loop.hpp"

namespace millrace::deployment {

/// What workers have told of a step's target (component::TargetHealth).
struct HealthReport {
  struct Failed {
    std::string message_id;
    std::string reason;
    std::optional<std::chrono::milliseconds> retry_after;
    bool dead = false;  ///< that was its last try
  };
  std::uint64_t ok = 0;
  std::vector<Failed> failed;

  /// nullopt if the text is none.
  static std::optional<HealthReport> parse(std::string_view text);
};

/// Whether a step's target takes messages, and how fast its queue may be read therefore.
///
///   open       as fast as the workers can
///   parked     not at all, but for one message now and then (a probe): 5 messages that are to be tried again have
///              failed in a row
///   draining   a probe has got through: 2 messages at once, then 4, 8 …, until open again
///   throttled  the target has said when to come again (Retry-After): not before, then at the pace that it has been
///              seen to take, a little faster with time
///
/// Messages that fail meanwhile go to the end of the queue, so each probe is another message, and one that can never
/// succeed does not keep the step parked. Pure: events and the time come in, the gate is what it comes to.
class TargetState {
 public:
  enum class Mode { open, parked, draining, throttled };

  /// What the queue is like.
  struct Queue {
    std::uint64_t ready = 0;
    std::uint64_t out = 0;
    std::uint64_t settled_total = 0;
    std::uint64_t credit = 0;  ///< that the gate has left
  };

  void heard(const HealthReport& report, io::SteadyTime now);
  /// To be called often while not open. True if the gate is to be set anew.
  bool look(const Queue& queue, io::SteadyTime now);

  Mode mode() const { return mode_; }
  broker::Gate gate() const { return gate_; }
  /// Since when it is not open.
  io::SteadyTime since() const { return since_; }
  const std::string& reason() const { return reason_; }
  /// parked: when the next probe goes out; throttled: when the target may be asked again. It may be past.
  io::SteadyTime until() const { return until_; }
  std::uint64_t probes() const { return probes_; }
  /// Messages a second, as far as is known: what the target takes, or took when it was last up.
  std::optional<double> rate() const;

 private:
  void park(io::SteadyTime now);
  void probe_failed(io::SteadyTime now);
  void drain(io::SteadyTime now);
  void throttle(io::SteadyTime until, io::SteadyTime now);
  void open();
  void enter(Mode mode, io::SteadyTime now);
  bool look_at_probe(const Queue& queue, io::SteadyTime now);
  bool look_at_drain(const Queue& queue);
  bool look_at_pace(const Queue& queue, io::SteadyTime now);
  double passed_lately(io::SteadyTime now) const;

  Mode mode_ = Mode::open;
  broker::Gate gate_;
  io::SteadyTime since_{};
  io::SteadyTime until_{};
  std::string reason_;
  std::set<std::string> failing_;  ///< messages that wait to be tried again, since one has passed
  /// When, how many; of the last half minute.
  std::deque<std::pair<io::SteadyTime, std::uint64_t>> passed_ = {};

  // parked
  std::chrono::milliseconds interval_{0};
  bool probing_ = false;
  io::SteadyTime probe_given_{};
  std::uint64_t probes_ = 0;
  double usual_rate_ = 0;
  // draining
  std::optional<std::uint64_t> settled_at_growth_;
  // throttled
  double pace_ = 0;  ///< messages a second
  double credit_ = 0;
  std::uint64_t passed_in_period_ = 0;
  io::SteadyTime period_began_{};
  io::SteadyTime paced_at_{};
  io::SteadyTime busy_at_{};
};

std::string_view to_string(TargetState::Mode mode);

}  // namespace millrace::deployment
