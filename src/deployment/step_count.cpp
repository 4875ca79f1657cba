#include "deployment/step_count.hpp"

#include <algorithm>

namespace millrace::deployment {
namespace {

std::uint64_t held(const broker::QueueStatus& queue) {
  return queue.ready + queue.arriving;
}

/// What is put back keeps its place and its count: it is neither taken once more nor settled.
StepCount count_of_ordered(const broker::QueueStatus& queue) {
  StepCount count;
  count.taken = queue.published_total;
  count.finished = queue.settled_total;
  count.waiting = held(queue) - queue.delayed;
  count.in_work = queue.unsettled;
  count.retrying = queue.delayed;
  count.rebounds = queue.put_back_total;
  count.purged = queue.purged_total;
  return count;
}

}  // namespace

StepCount count_of(const broker::Queues& broker, const flow::WorkerPlan& worker) {
  StepCount count;
  const auto queue = broker.queue(worker.queue());
  const auto rebounds = broker.queue(worker.rebounds());
  if (queue && worker.ordered_by) return count_of_ordered(*queue);
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
