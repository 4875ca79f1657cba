#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "amqp/client/link.hpp"
#include "component/action.hpp"
#include "component/presence.hpp"
#include "component/step_recorder.hpp"
#include "component/step_settings.hpp"
#include "component/step_watch.hpp"
#include "component/worker_environment.hpp"
#include "io/loop.hpp"

namespace millrace::component {

/// Runs one instance of a step: takes messages off the step's queue, applies `when:` and `input:`, lets the action
/// handle them, and makes outputs, snapshot and acknowledgement effective in one commit. While one commit is under way,
/// what finishes gathers for the next one, so a loaded step commits many messages at once.
///
/// It knows neither sockets nor processes: a worker (StepWorker) and a flow test run the same one. Where its link mends
/// itself (LastingLink) it keeps the action, and drops what that had in hand when the link was interrupted. `ended` is
/// called once, perhaps from inside drain(): with Done after that, with an Error when the link is lost. Thread: the
/// loop's. Lifetime: loop, outside, catalogue, watch and records outlive it.
class StepRunner {
 public:
  struct Assignment {
    WorkerEnvironment environment;
    StepSettings settings;
    StepWatch* watch = nullptr;              ///< nullptr: nobody looks on
    RecordSink* records = nullptr;           ///< nullptr: no history is recorded
    RecordSink* spans = nullptr;             ///< framed spans (tracing::encode); nullptr: no traces are recorded
    std::optional<std::uint64_t> seed = {};  ///< Services::seed
    CredentialSource* credential = nullptr;  ///< Services::credential; outlives the runner
  };
  /// Makes the tie to the step's queue, with so many messages out at once.
  using Connect =
      std::function<std::unique_ptr<amqp::client::Link>(std::uint16_t prefetch, amqp::client::Link::Handlers)>;

  StepRunner(io::Loop& loop, Outside& outside, Assignment assignment, std::function<void(Status)> ended);
  ~StepRunner();

  /// Makes the action and begins to consume. An Error when the action cannot be made: then nothing has begun.
  Status start(const Catalogue& catalogue, const Connect& connect);
  /// Takes no more messages, finishes what is in work (commits it), closes in order, then calls `ended`.
  void drain();
  /// What its commits have ended so far.
  const StepCounts& counts() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::component
