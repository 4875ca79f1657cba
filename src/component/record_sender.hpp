#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "component/step_recorder.hpp"
#include "component/worker_environment.hpp"
#include "io/posix/loop.hpp"

namespace millrace::component {

/// Sends a worker's records to the platform: POST /v1/tasks/{flow}/steps/{step}/history (or /spans), in batches of
/// `batch_size` or what has come in `interval`, one at a time over one connection. The body is the number of records
/// dropped since the last batch (varint), then framed records.
///
/// The step never waits for it: while the platform does not take them, records are kept up to `kept_max`, then dropped
/// and counted; a batch that fails is dropped. Thread: the loop's.
class RecordSender final : public RecordSink {
 public:
  static constexpr std::size_t batch_size = 256u << 10;  ///< bytes
  static constexpr std::size_t kept_max = 16u << 20;     ///< bytes; a burst of message.split
  static constexpr std::chrono::milliseconds interval{100};

  /// `what`: "history" (history::encode) or "spans" (tracing::encode).
  RecordSender(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, std::string_view what);
  ~RecordSender() override;

  void take(const std::string& records) override;
  /// Sends what is left, for at most a second; then calls `finished`.
  void finish(std::function<void()> finished);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::component
