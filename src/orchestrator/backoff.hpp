#pragma once

#include <chrono>

namespace millrace::orchestrator {

/// How long a worker that has ended waits before it is started again: 100 ms, doubled by every end, at most 10 s; from
/// the beginning again once it had run well for 10 s.
class Backoff {
 public:
  struct Schedule {
    std::chrono::milliseconds first{100};
    std::chrono::milliseconds max{10'000};
    std::chrono::milliseconds well_after{10'000};
  };

  Backoff() = default;
  explicit Backoff(Schedule schedule) : schedule_(schedule) {}

  /// The worker has ended after it had been connected for `connected_for` (0: it never was).
  std::chrono::milliseconds ended(std::chrono::milliseconds connected_for);

 private:
  Schedule schedule_;
  std::chrono::milliseconds last_{0};
};

}  // namespace millrace::orchestrator
