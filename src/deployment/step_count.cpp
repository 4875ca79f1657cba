#include "deployment/step_count.hpp"

#include <algorithm>

namespace millrace::deployment {
namespace {

std::uint64_t held(const broker::QueueStatus& queue) {
  return queue.ready + queue.arriving;
}

}  // namespace

StepCount count_of(const broker::Broker& broker, const flow::WorkerPlan& worker) {
  StepCount count;
  const auto queue = broker.queue(worker.queue());
  const auto rebounds = broker.queue(worker.rebounds());
  if (!queue || !rebounds) return count;
  // What was put back comes in once more; what an answer puts back is settled, and not finished.
  const auto put_back = rebounds->published_total;
  const auto came_back = put_back - std::min(put_back, held(*rebounds) + rebounds->purged_total);
  count.taken = queue->published_total - std::min(queue->published_total, came_back);
  count.finished = queue->settled_total - std::min(queue->settled_total, put_back);
  count.waiting = held(*queue);
  count.in_work = queue->unsettled;
  count.retrying = held(*rebounds);
  count.rebounds = put_back;
  count.purged = queue->purged_total + rebounds->purged_total;
  return count;
}

}  // namespace millrace::deployment
