#include "broker/queue.hpp"

namespace millrace::broker {
Queue::Queue(std::uint32_t the_id, QueueSpec the_spec, QueueRules the_rules, SessionId the_owner)
    : id(the_id),
      spec(std::move(the_spec)),
      rules(std::move(the_rules)),
      owner(the_owner),
      logged(spec.durable && !spec.exclusive),
      window(rules.dedup_window, rules.dedup_max) {}

void Queue::put(Entry entry) {
  ready_bytes += entry.size;
  const auto number = entry.number;
  if (rules.priority_max > 0) by_priority_[entry.priority].insert(number);
  ready.insert_or_assign(ready.end(), number, std::move(entry));
}

Entry Queue::take(std::map<std::uint64_t, Entry>::iterator entry) {
  Entry taken = std::move(entry->second);
  ready_bytes -= taken.size;
  if (rules.priority_max > 0) {
    const auto group = by_priority_.find(taken.priority);
    group->second.erase(taken.number);
    if (group->second.empty()) by_priority_.erase(group);
  }
  ready.erase(entry);
  return taken;
}

std::map<std::uint64_t, Entry>::iterator Queue::next() {
  if (by_priority_.empty()) return ready.begin();
  return ready.find(*by_priority_.rbegin()->second.begin());
}

std::map<std::uint64_t, Entry>::iterator Queue::first_to_drop() {
  if (by_priority_.empty()) return ready.begin();
  return ready.find(*by_priority_.begin()->second.begin());
}

bool Queue::full(std::uint64_t added_bytes) const {
  if (rules.length_max && ready.size() + arriving + 1 > *rules.length_max) return true;
  return rules.length_bytes_max && ready_bytes + arriving_bytes + added_bytes > *rules.length_bytes_max;
}

QueueStatus Queue::status() const {
  QueueStatus status;
  status.name = spec.name;
  status.ready = ready.size();
  status.unsettled = out.size();
  status.arriving = arriving;
  status.consumers = static_cast<std::uint32_t>(consumers.size());
  status.published_total = published_total;
  status.settled_total = settled_total;
  return status;
}

}  // namespace millrace::broker
