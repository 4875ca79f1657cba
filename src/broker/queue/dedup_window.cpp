#include "broker/queue/dedup_window.hpp"

namespace millrace::broker {

bool DedupWindow::take(const storage::Digest& id, std::uint64_t now) {
  forget_until(now);
  if (!ids_.insert(id).second) return false;
  order_.emplace_back(id, now);
  if (order_.size() > count_max_) {
    ids_.erase(order_.front().first);
    order_.pop_front();
  }
  return true;
}

void DedupWindow::forget_until(std::uint64_t now) {
  while (!order_.empty() && order_.front().second + length_ < now) {
    ids_.erase(order_.front().first);
    order_.pop_front();
  }
}

}  // namespace millrace::broker
