#include "deployment/waiting_time.hpp"

namespace millrace::deployment {

std::optional<std::chrono::milliseconds> WaitingTime::look(const broker::QueueStatus& queue, io::SteadyTime now) {
  constexpr std::size_t looks_max = 600;
  const auto waiting = queue.ready + queue.arriving;
  const auto taken = queue.published_total - std::min(queue.published_total, waiting);
  looks_.push_back({now, queue.published_total});
  while (looks_.size() > 1 && (looks_.front().published_total <= taken || looks_.size() > looks_max))
    looks_.pop_front();
  if (waiting == 0) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - looks_.front().at);
}

}  // namespace millrace::deployment
