#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amqp/client/link.hpp"
#include "component/action.hpp"
#include "component/lineage.hpp"
#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "io/loop.hpp"

namespace millrace::component {

/// Largest envelope that a worker takes or makes.
inline constexpr std::size_t message_size_max = 64u << 20;

/// Turns what a step's action came to into the messages that its worker publishes: ids, headers, routing keys and
/// passthrough as ARCHITECTURE.md tells them. Pure: no I/O, no clock but the one given.
class Outbox {
 public:
  using Publishes = std::vector<amqp::client::Outgoing>;

  /// Both must outlive it.
  Outbox(const io::Loop& clock, const WorkerEnvironment& environment, const StepSettings& settings,
         bool starts_executions);

  /// `first_index` counts the emissions that the same input made before (a polling trigger's earlier pages).
  /// Error::limit if one of them is too large: then nothing was added.
  Status add_emissions(const Lineage& parent, const Message& input, std::vector<Emission> emissions,
                       std::uint64_t first_index, Publishes& to) const;
  void add_snapshot(std::string snapshot, Publishes& to) const;

  /// The input again after a wait, or, after the last attempt, as a dead letter. `envelope` is the message as it came.
  /// A polling trigger's tick is tried until it works, and says since when it does not: there is nothing in it that
  /// could be lost.
  /// Not `counted`: that it failed is the target's doing, and uses up none of its attempts. False: it is a dead letter.
  bool add_rebound(const Lineage& input, std::string envelope, const Outcome& outcome, Publishes& to,
                   bool counted = true) const;
  /// How many messages the commit ends here that went no further: filtered, and dead letters. The platform keeps books.
  struct Account {
    std::uint32_t filtered = 0;
    std::uint32_t dead = 0;
    bool empty() const { return filtered == 0 && dead == 0; }
  };
  void add_account(const Account& account, Publishes& to) const;
  /// What TargetHealth has to tell the platform.
  void add_health(std::string report, Publishes& to) const;
  void add_dead_letter(const Lineage& input, std::string envelope, const Failure& failure, Publishes& to) const;

 private:
  amqp::Properties child_properties(const Lineage& parent, std::string_view id) const;
  amqp::client::Outgoing report(const std::string& key, std::string text) const;
  std::string passthrough_of(const Message& input, const Emission& emission) const;

  const io::Loop& clock_;
  const WorkerEnvironment& environment_;
  const StepSettings& settings_;
  bool starts_executions_;  ///< a polling trigger: each of its messages is an execution of its own
};

}  // namespace millrace::component
