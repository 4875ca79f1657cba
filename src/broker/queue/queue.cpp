#include "broker/queue/queue.hpp"

namespace millrace::broker {

Queue::Queue(std::uint32_t the_id, QueueSpec the_spec, QueueRules the_rules, SessionId the_owner, Residents& residents)
    : id(the_id),
      spec(std::move(the_spec)),
      rules(std::move(the_rules)),
      owner(the_owner),
      logged(spec.durable && !spec.exclusive),
      window(rules.dedup_window, rules.dedup_max),
      residents_(residents) {
  if (rules.ordered) order = std::make_unique<KeyOrder>();
}

Backlog* Queue::find_backlog(std::uint8_t priority) {
  for (const auto& backlog : backlogs_) {
    if (backlog->priority == priority) return backlog.get();
  }
  return nullptr;
}

Backlog& Queue::backlog(std::uint8_t priority) {
  if (auto* found = find_backlog(priority)) return *found;
  const auto place = std::find_if(backlogs_.begin(), backlogs_.end(),
                                  [&](const auto& backlog) { return backlog->priority > priority; });
  return **backlogs_.insert(place, std::make_unique<Backlog>(id, priority, residents_));
}

Queue::Front Queue::next(PartSource& source) {
  for (auto backlog = backlogs_.rbegin(); backlog != backlogs_.rend(); ++backlog) {
    if (auto* part = (*backlog)->front(source)) return {backlog->get(), part};
  }
  return {};
}

Queue::Front Queue::first_to_drop(PartSource& source) {
  for (const auto& backlog : backlogs_) {
    if (auto* part = backlog->front(source)) return {backlog.get(), part};
  }
  return {};
}

Entry Queue::take(const Front& front) {
  return take(*front.backlog, *front.part, 0);
}

Entry Queue::take(Backlog& from, Part& part, std::size_t index) {
  auto entry = from.take(part, index);
  --ready;
  ready_bytes -= entry.size;
  return entry;
}

Part& Queue::put_back(Entry entry, PartSource& source) {
  ++ready;
  ready_bytes += entry.size;
  return backlog(entry.priority).put_back(std::move(entry), source, false);
}

bool Queue::walk(PartSource& source, const std::function<bool(const Entry&)>& visit) const {
  for (auto backlog = backlogs_.rbegin(); backlog != backlogs_.rend(); ++backlog) {
    if (!(*backlog)->walk(source, visit)) return false;
  }
  return true;
}

std::uint64_t Queue::body_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& backlog : backlogs_) sum += backlog->body_bytes();
  return sum;
}

bool Queue::full(std::uint64_t added_bytes) const {
  if (rules.length_max && ready + arriving + 1 > *rules.length_max) return true;
  return rules.length_bytes_max && ready_bytes + arriving_bytes + added_bytes > *rules.length_bytes_max;
}

QueueStatus Queue::status() const {
  QueueStatus status;
  status.name = spec.name;
  status.ready = ready + aside();
  status.unsettled = out - aside();
  if (order) {
    status.delayed = order->delayed;
    status.put_back_total = order->put_back_total;
  }
  status.arriving = arriving;
  status.consumers = static_cast<std::uint32_t>(consumers.size());
  status.published_total = published_total;
  status.settled_total = settled_total;
  status.purged_total = purged_total;
  return status;
}

}  // namespace millrace::broker
