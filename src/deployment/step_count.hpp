#pragma once

#include <cstdint>

#include "broker/queues.hpp"
#include "flow/plan.hpp"

namespace millrace::deployment {

/// What became of the messages that one step of one version has taken in, by the counters of its queues, which survive
/// a restart: taken = finished + removed + waiting + in work + retrying, whenever one looks.
struct StepCount {
  std::uint64_t taken = 0;     ///< messages, each once however often it was tried
  std::uint64_t finished = 0;  ///< a worker has answered for good: done, filtered, or a dead letter
  std::uint64_t waiting = 0;
  std::uint64_t in_work = 0;
  std::uint64_t retrying = 0;
  std::uint64_t rebounds = 0;  ///< how often one was put back
  std::uint64_t purged = 0;    ///< of those removed, since the start

  std::uint64_t in_flight() const { return waiting + in_work + retrying; }
  /// What left without an answer: purged, or its workers were lost too often.
  std::uint64_t removed() const {
    const auto accounted = finished + in_flight();
    return taken > accounted ? taken - accounted : 0;
  }
};

/// All zero if the step has no queues.
StepCount count_of(const broker::Queues& broker, const flow::WorkerPlan& worker);

}  // namespace millrace::deployment
