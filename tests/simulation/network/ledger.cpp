#include "ledger.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace millrace::simulation {

Copy& NetworkLedger::publish(const Family& family, std::string id, std::string stream, std::uint64_t number,
                             std::uint8_t priority, Known made) {
  auto& copy = copies_[{&family, id}];
  copy = std::make_unique<Copy>();
  copy->id = std::move(id);
  copy->family = &family;
  copy->stream = std::move(stream);
  copy->number = number;
  if (&family == &families::ordered) copy->order_key = fmt::format("key{}", number % 3);
  copy->priority = &family == &families::ranked ? priority : std::uint8_t{0};
  copy->made = made;
  if (&family == &families::heap && purges_ > 0) copy->settled = Known::perhaps;
  return *copy;
}

void NetworkLedger::try_to_settle(Copy& copy, bool moving) {
  ++copy.tries;
  auto& known = moving ? copy.rejected : copy.settled;
  known = std::max(known, Known::perhaps);
}

Copy* NetworkLedger::find(std::string_view queue, std::string_view id) {
  for (const auto* family : families::all) {
    if (!family->has(queue)) continue;
    const auto found = copies_.find(std::pair(family, std::string(id)));
    if (found != copies_.end()) return found->second.get();
  }
  return nullptr;
}

/// It was delivered again, so the session of whoever had tried to settle it has ended before that took effect.
NetworkLedger::Fault NetworkLedger::undo(const Copy& settled) {
  for (std::size_t i = 0; i < open_.size();) {
    const auto& all = open_[i]->settled;
    if (std::find(all.begin(), all.end(), &settled) == all.end()) {
      ++i;
      continue;
    }
    for (auto* copy : open_[i]->published) {
      if (copy->seen)
        return fmt::format("a transaction is not whole: {} came again, {} is there", settled.id, copy->id);
      copy->made = Known::no;
    }
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return std::nullopt;
}

/// Nothing of its key that was published before it, on the same channel, is there still.
NetworkLedger::Fault NetworkLedger::check_turn(const Copy& copy) const {
  for (const auto& [key, other] : copies_) {
    const bool before = other->family == copy.family && other->stream == copy.stream && other->number < copy.number;
    if (before && other->order_key == copy.order_key && other->made == Known::yes && other->settled == Known::no)
      return fmt::format("{} was delivered before {}, which has the same key", copy.id, other->id);
  }
  return std::nullopt;
}

NetworkLedger::Fault NetworkLedger::delivered(std::string_view queue, std::string_view id, bool redelivered,
                                              Copy*& copy) {
  copy = find(queue, id);
  if (copy == nullptr) return fmt::format("{} was delivered from {} and never published there", id, queue);
  if (copy->made == Known::no) return fmt::format("{} was delivered from {}, but not committed", id, queue);
  if (copy->settled == Known::yes) return fmt::format("{} was delivered from {} after it was settled", id, queue);
  if (copy->rejected == Known::yes && queue == copy->family->main)
    return fmt::format("{} was delivered from {} after it was rejected", id, queue);
  if (stored_ && copy->family == &families::ordered) {
    if (auto fault = check_turn(*copy)) return fault;
  }
  if (stored_) {
    if (!redelivered && copy->seen_on.contains(queue))
      return fmt::format("{} was delivered from {} again, without a word of it", id, queue);
    if (copy->settled == Known::perhaps) {
      if (auto fault = undo(*copy)) return fault;
    }
    copy->settled = Known::no;
    copy->rejected = queue == copy->family->main ? Known::no : Known::yes;
  } else if (queue != copy->family->main) {
    // A broker whose storage has failed closes connections, and what it sent before may arrive after what it sent later
    // to others: only that it is there is certain.
    copy->rejected = std::max(copy->rejected, Known::perhaps);
  }
  copy->made = Known::yes;
  copy->seen = true;
  copy->seen_on.emplace(queue);
  return std::nullopt;
}

void NetworkLedger::commit(const std::shared_ptr<Transaction>& transaction) {
  for (auto* copy : transaction->published) copy->made = Known::perhaps;
  for (auto* copy : transaction->moved) try_to_settle(*copy, true);
  for (auto* copy : transaction->put_back) copy->seen_on.clear();  // it may come as if for the first time
  for (auto* copy : transaction->settled) {
    const bool somebody_tried = copy->settled != Known::no;
    try_to_settle(*copy, false);
    transaction->tries.push_back(somebody_tried ? 0 : copy->tries);
  }
  open_.push_back(transaction);
}

void NetworkLedger::finish(const std::shared_ptr<Transaction>& transaction) {
  for (auto* copy : transaction->published) copy->made = Known::yes;
  for (auto* copy : transaction->settled) settled(*copy, false);
  for (auto* copy : transaction->moved) settled(*copy, true);
  std::erase(open_, transaction);
}

std::vector<Copy*> NetworkLedger::begin_purge() {
  ++purges_;
  std::vector<Copy*> certain;
  for (const auto& [key, copy] : copies_) {
    if (copy->family != &families::heap || copy->settled == Known::yes || copy->made == Known::no) continue;
    if (copy->made == Known::yes) certain.push_back(copy.get());
    copy->settled = Known::perhaps;
  }
  return certain;
}

NetworkLedger::Fault NetworkLedger::check_order(const std::string& queue, const std::vector<Copy*>& copies) const {
  if (queue != copies.front()->family->main) return std::nullopt;
  std::map<std::pair<std::uint8_t, std::string>, const Copy*> last;
  std::uint8_t priority = 255;
  for (const auto* copy : copies) {
    if (copy->priority > priority) return fmt::format("on {} {} stands behind one of less priority", queue, copy->id);
    priority = copy->priority;
    auto& before = last[{copy->priority, copy->stream}];
    if (before != nullptr && before->number > copy->number)
      return fmt::format("on {} {} stands before {}", queue, before->id, copy->id);
    before = copy;
  }
  return std::nullopt;
}

NetworkLedger::Fault NetworkLedger::check_whole(const Transaction& transaction, const std::set<const Copy*>& there) {
  const auto is_made = [&](const Copy* copy) { return copy->seen || there.contains(copy); };
  bool made = std::any_of(transaction.published.begin(), transaction.published.end(), is_made);
  // Only this transaction can have settled what nobody else has tried to settle, before it or after.
  std::size_t index = 0;
  for (const auto* copy : transaction.settled) {
    if (copy->tries == transaction.tries[index++] && !there.contains(copy)) made = true;
  }
  for (auto* copy : transaction.published) {
    if (made && !is_made(copy)) return fmt::format("a transaction is not whole: {} is missing", copy->id);
    copy->made = made ? Known::yes : Known::no;
  }
  for (const auto* copy : transaction.settled) {
    if (made && there.contains(copy)) return fmt::format("a transaction is not whole: {} is still there", copy->id);
  }
  return std::nullopt;
}

NetworkLedger::Fault NetworkLedger::recovered(const Content& lying) {
  std::set<const Copy*> there;
  std::set<const Copy*> on_main;
  for (const auto& [queue, ids] : lying) {
    std::vector<Copy*> copies;
    for (const auto& id : ids) {
      auto* copy = find(queue, id);
      if (copy == nullptr) return fmt::format("{} lies on {} and was never published there", id, queue);
      if (!there.insert(copy).second) return fmt::format("{} is there twice, at last on {}", id, queue);
      if (copy->made == Known::no) return fmt::format("{} lies on {}, but was not committed", id, queue);
      if (copy->settled == Known::yes) return fmt::format("{} lies on {} after it was settled", id, queue);
      if (queue == copy->family->main) on_main.insert(copy);
      copies.push_back(copy);
    }
    if (copies.empty()) continue;
    if (auto fault = check_order(queue, copies)) return fault;
  }
  for (const auto& [key, copy] : copies_) {
    if (copy->rejected == Known::yes && on_main.contains(copy.get()))
      return fmt::format("{} is back on {} after it was rejected", copy->id, copy->family->main);
    if (copy->made == Known::yes && copy->settled == Known::no && !there.contains(copy.get()))
      return fmt::format("{} of {} is lost", copy->id, copy->family->key);
  }
  for (const auto& transaction : std::exchange(open_, {})) {
    if (auto fault = check_whole(*transaction, there)) return fault;
  }
  for (const auto& [key, copy] : copies_) {
    const bool lies = there.contains(copy.get());
    if (copy->made == Known::perhaps) copy->made = lies ? Known::yes : Known::no;
    if (copy->settled == Known::perhaps) copy->settled = lies ? Known::no : Known::yes;
    if (lies && copy->family->other != nullptr) copy->rejected = on_main.contains(copy.get()) ? Known::no : Known::yes;
    copy->seen_on.clear();
  }
  purges_ = 0;
  stored_ = true;
  return std::nullopt;
}

NetworkLedger::Fault NetworkLedger::all_settled() const {
  for (const auto& [key, copy] : copies_) {
    // Once the storage has failed, a dead letter may have to wait for the restart; so may those of a key of which one
    // has left without being stored as gone.
    const bool moves_by_itself = copy->family == &families::passing || copy->family == &families::narrow;
    const bool is_held = moves_by_itself || copy->family == &families::ordered || copy->rejected != Known::no;
    const bool may_wait = !stored_ && is_held;
    if (copy->made == Known::yes && copy->settled == Known::no && !may_wait)
      return fmt::format("{} of {} was confirmed and is not delivered", copy->id, copy->family->key);
  }
  return std::nullopt;
}

}  // namespace millrace::simulation
