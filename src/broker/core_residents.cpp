// What of the backlogs is in memory: parts come in when they are needed, and go when there are too many entries.
#include <algorithm>

#include "broker/core.hpp"
#include "core/log.hpp"

namespace millrace::broker {

namespace {

/// What is damaged or gone stays so; anything else may be better later.
bool is_lasting(const Error& error) {
  return error.kind == Error::Kind::damaged || error.kind == Error::Kind::not_found;
}

}  // namespace

Result<std::vector<Entry>> Broker::Core::read(const Backlog& backlog, const Part& part) {
  const auto entries = log->entries(part.segment, backlog.queue, backlog.priority);
  if (entries) return part.read(*entries, backlog.priority);
  log::error("backlog_unreadable", {{"segment", std::to_string(part.segment)},
                                    {"queue", std::to_string(backlog.queue)},
                                    {"messages", std::to_string(part.count)},
                                    {"reason", entries.error().message}});
  if (!is_lasting(entries.error())) return entries.error();
  return std::vector<Entry>();
}

void Broker::Core::read_later() {
  constexpr std::chrono::seconds delay{1};
  if (read_timer_ != 0) return;
  read_timer_ = loop.after(delay, [this] {
    read_timer_ = 0;
    for (const auto& [name, queue] : queues) kick(*queue);
    expire_due();
  });
}

bool Broker::Core::load(Backlog& backlog, Part& part) {
  auto read_entries = read(backlog, part);
  if (!read_entries) {
    read_later();
    return false;
  }
  auto& entries = *read_entries;
  const auto segment = part.segment;
  const auto count = part.count;
  const auto bytes = part.bytes;
  if (residents.entries + count > unload_at_) unload_some(&part);
  if (entries.size() != count) {
    log::error("messages_damaged", {{"segment", std::to_string(segment)},
                                    {"queue", std::to_string(backlog.queue)},
                                    {"expected", std::to_string(count)},
                                    {"found", std::to_string(entries.size())}});
  }
  const auto found = static_cast<std::uint32_t>(entries.size());
  std::uint64_t found_bytes = 0;
  for (const auto& entry : entries) found_bytes += entry.size;
  backlog.load(part, std::move(entries));
  if (auto* queue = find_queue(backlog.queue)) {
    queue->ready = queue->ready + found - count;
    queue->ready_bytes = queue->ready_bytes + found_bytes - bytes;
  }
  if (found < count) {
    release({segment, count - found, bytes - std::min(bytes, found_bytes)});
    // One that is gone may have been the one that others of its key wait for.
    loop.post([this, id = backlog.queue, alive = alive_] {
      auto* queue = *alive ? find_queue(id) : nullptr;
      if (queue != nullptr && queue->order) order_anew(*queue);
    });
  }
  return true;
}

MessagePtr Broker::Core::message_of(const Entry& entry) {
  if (entry.message) return entry.message;
  const auto unmoved = unmoved_.find(entry.at);
  auto stored = log->read(unmoved == unmoved_.end() ? entry.at : unmoved->second);
  if (stored && stored->number != entry.number)
    stored = Error{Error::Kind::damaged, "another message stands there than its queue says"};
  if (!stored) {
    log::error("message_unreadable", {{"segment", std::to_string(entry.at.segment)},
                                      {"offset", std::to_string(entry.at.offset)},
                                      {"reason", stored.error().message}});
    is_lasting(stored.error()) ? log->quarantine(entry.at) : read_later();
    return nullptr;
  }
  auto message = std::make_shared<Message>();
  message->exchange = stored->exchange;
  message->routing_key = stored->routing_key;
  message->properties = stored->properties;
  message->body = stored->body;
  return message;
}

std::optional<Entry> Broker::Core::take_waiting(Queue& queue, const Entry& entry) {
  auto& backlog = queue.backlog(entry.priority);
  auto* part = backlog.find(entry.at.segment);
  if (part != nullptr && !part->is_loaded()) {
    if (!load(backlog, *part)) return std::nullopt;
    part = backlog.find(entry.at.segment);
  }
  const auto index = part == nullptr ? std::nullopt : part->find(entry.number);
  if (!index) return std::nullopt;
  return queue.take(backlog, *part, *index);
}

/// The longest to wait for goes first: of each backlog the parts at its end, and its first one only if there is nothing
/// else.
void Broker::Core::unload_some(const Part* except) {
  struct Candidate {
    bool is_first;
    std::uint32_t count;
    Backlog* backlog;
    Part* part;
  };
  std::vector<Candidate> candidates;
  for (const auto& [name, queue] : queues) {
    if (!queue->logged) continue;
    for (const auto& backlog : queue->backlogs()) {
      for (const auto& part : backlog->parts()) {
        if (part.get() == except || !part->is_loaded() || part->count == 0) continue;
        if (!log->at_rest(part->segment) || backlog->is_arriving(*part)) continue;
        candidates.push_back({part == backlog->parts().front(), part->count, backlog.get(), part.get()});
      }
    }
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    if (a.is_first != b.is_first) return b.is_first;
    return a.part->number_min > b.part->number_min;
  });
  const auto enough = limits.entries_max - limits.entries_max / 4;
  for (const auto& it : candidates) {
    if (residents.entries <= enough) break;
    it.backlog->unload(*it.part);
  }
  unload_at_ = std::max(limits.entries_max, residents.entries + limits.entries_max / 8);
}

}  // namespace millrace::broker
