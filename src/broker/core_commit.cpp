#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "broker/core.hpp"
#include "core/log.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

void Change::reserve(const Batch& batch) {
  constexpr std::size_t message_cost = 128;  // bytes of an item beside the message
  std::size_t size = batch.settlements.size() * sizeof(storage::Place);
  for (const auto& message : batch.publishes) size += message->properties.size() + message->body.size() + message_cost;
  items.reserve(size);
  arrivals.reserve(batch.publishes.size());
  gone.reserve(batch.settlements.size());
}

std::uint64_t Broker::Core::free_space() {
  constexpr std::uint64_t age_max = 200;  // ms
  const auto time = now();
  const auto size = log->segments().size();
  // A fast publisher writes more than the reserve while the clock hardly moves.
  const bool has_grown = size > space_checked_size_ + limits.free_space_min / 16;
  if (!has_grown && time < space_checked_at_ + age_max && time >= space_checked_at_) return free_space_;
  space_checked_at_ = time;
  space_checked_size_ = size;
  const bool was_low = free_space_ < limits.free_space_min;
  const auto found = disk.free_space();
  free_space_ = found ? *found : std::numeric_limits<std::uint64_t>::max();
  const bool is_low = free_space_ < limits.free_space_min;
  if (is_low && !was_low) {
    log::warning("disk_nearly_full",
                 {{"free_bytes", std::to_string(free_space_)}, {"effect", "nothing new is taken in"}});
  } else if (was_low && !is_low) {
    log::info("disk_has_space_again");
  }
  if (is_low) {
    log->give_up_spares();
    reclaim_early();
  }
  return free_space_;
}

std::optional<Refusal> Broker::Core::refuse_for_space(const Batch& batch) {
  if (const auto& stalled = log->stalled()) {
    return Refusal{ReplyCode::resource_error, "the disk is full, nothing new is taken in: " + stalled->message};
  }
  // What takes a message off for what it puts in brings the backlog to an end, so it may use up the reserve itself.
  const auto space_min = batch.settlements.empty() ? limits.free_space_min : limits.free_space_min / 4;
  if (free_space() >= space_min) return std::nullopt;
  return Refusal{ReplyCode::resource_error, "the disk is nearly full; nothing new is taken in"};
}

std::optional<Refusal> Broker::Core::refuse_publishing(const Batch& batch) {
  if (batch.publishes.empty()) return std::nullopt;
  if (auto refusal = refuse_storing()) return refusal;
  if (publishing_held) return Refusal{ReplyCode::resource_error, *publishing_held};
  if (auto refusal = refuse_for_space(batch)) return refusal;
  for (const auto& message : batch.publishes) {
    if (message->body.size() > limits.message_size_max) {
      return Refusal{ReplyCode::precondition_failed,
                     fmt::format("message size {} is larger than configured max size {}", message->body.size(),
                                 limits.message_size_max)};
    }
    if (!message->exchange.empty() && !exchanges.contains(message->exchange)) {
      return Refusal{ReplyCode::not_found, fmt::format("no exchange '{}' in vhost '/'", message->exchange)};
    }
    if (!batch.whole) continue;
    for (const auto* queue : route(*message)) {
      if (queue->rules.reject_publish && queue->full(message->body.size())) {
        return Refusal{ReplyCode::precondition_failed,
                       fmt::format("queue '{}' in vhost '/' is full", queue->spec.name)};
      }
    }
  }
  return std::nullopt;
}

Broker::Core::Taken Broker::Core::publish(Change& change, const MessagePtr& message) {
  auto to = route(*message);
  Taken taken{!to.empty(), false};
  const auto size = message->properties.size() + message->body.size();
  std::erase_if(to, [&](Queue* queue) {
    if (!queue->rules.reject_publish || !queue->full(size)) return false;
    taken.rejected = true;
    if (queue->rules.dead_letter_rejected) {
      Entry refused;
      refused.message = message;
      refused.size = static_cast<std::uint32_t>(size);
      dead_letter(change, *queue, refused, "maxlen");
    }
    return true;
  });
  std::optional<storage::Digest> id;
  const auto glance = amqp::glance(message->properties);
  if (std::any_of(to.begin(), to.end(), [](const Queue* queue) { return queue->window.open(); })) {
    if (glance && glance->message_id) {
      id = storage::digest(*glance->message_id);
      const auto time = now();
      std::erase_if(to, [&](Queue* queue) { return queue->window.open() && !queue->window.take(*id, time); });
    }
    taken.repeated = id && to.empty();
  }
  lay_in(change, message, glance, to, id);
  return taken;
}

bool Broker::Core::republish(Change& change, const MessagePtr& message, const std::vector<std::string>& not_into) {
  auto to = route(*message);
  const bool routed = !to.empty();
  std::erase_if(to, [&](const Queue* queue) {
    return std::find(not_into.begin(), not_into.end(), queue->spec.name) != not_into.end();
  });
  const auto first = change.arrivals.size();
  lay_in(change, message, amqp::glance(message->properties), to, std::nullopt);
  for (auto i = first; i < change.arrivals.size(); ++i) change.arrivals[i].republished = true;
  return routed;
}

std::uint64_t Broker::Core::expiry_of(const amqp::PropertyGlance& glance) {
  if (!glance.expiration) return 0;
  return now() + std::strtoull(std::string(*glance.expiration).c_str(), nullptr, 10);
}

void Broker::Core::lay_in(Change& change, const MessagePtr& message, const Result<amqp::PropertyGlance>& glance,
                          const std::vector<Queue*>& to, const std::optional<storage::Digest>& id) {
  if (to.empty()) return;
  storage::MessageItem item;
  item.number = next_number_++;
  item.id = id;
  const auto expires_at = glance ? expiry_of(*glance) : 0;
  const auto size = static_cast<std::uint32_t>(message->properties.size() + message->body.size());
  const std::size_t offset = change.items.size();
  for (auto* queue : to) {
    if (queue->tapped) {
      taps.at(queue->id)(*message);
      continue;
    }
    Entry entry;
    entry.number = item.number;
    entry.message = message;
    entry.size = size;
    entry.expires_at = expires_at;
    entry.priority = queue->priority_of(glance ? glance->priority : 0);
    if (const auto ttl = queue->rules.message_ttl) {
      const auto end = now() + *ttl;
      if (entry.expires_at == 0 || end < entry.expires_at) entry.expires_at = end;
    }
    ++queue->published_total;
    ++queue->arriving;
    queue->arriving_bytes += size;
    if (queue->logged)
      item.targets.push_back({queue->id, 0, storage::target_counted, entry.priority, entry.expires_at});
    change.arrivals.push_back({queue->id, std::move(entry), offset, queue->logged});
  }
  if (item.targets.empty()) return;
  item.exchange = message->exchange;
  item.routing_key = message->routing_key;
  item.properties = message->properties;
  item.body = message->body;
  storage::encode(change.items, item);
}

Answer<Accepted> Broker::Core::commit(SessionId session, const Batch& batch, Durable durable) {
  if (auto refusal = refuse_publishing(batch)) return *refusal;
  if (auto refusal = refuse_storing(); refusal && durable && settles_stored(batch)) return *refusal;
  Change change;
  Accepted accepted;
  change.reserve(batch);
  const auto replacing = replace_some(change, session, batch);
  for (std::size_t i = 0; i < batch.publishes.size(); ++i) {
    if (replacing.contains(i)) continue;
    const auto taken = publish(change, batch.publishes[i]);
    if (!taken.routed) accepted.unroutable.push_back(i);
    if (taken.rejected) accepted.rejected.push_back(i);
    if (taken.repeated) accepted.repeated.push_back(i);
  }
  for (const auto& settlement : batch.settlements) {
    const auto* found = outstanding.find(settlement.delivery);
    if (found != nullptr && found->session == session) settle(change, settlement.delivery, settlement.how);
  }
  // What only settles can wait for the next sync; but not where a transaction's client waits for it, or where it frees
  // keys for messages that wait for the disk now.
  const bool is_awaited = batch.whole && durable;
  const bool is_urgent = !batch.publishes.empty() || is_awaited || !change.freed.empty();
  submit(std::move(change), is_urgent, std::move(durable));
  return accepted;
}

void Broker::Core::submit(Change change, bool urgent, Durable durable) {
  if (change.items.empty() && change.arrivals.empty()) {
    free_keys(change);
    return tell(std::move(durable));
  }
  if (log->failure()) {
    go_on_unstored(change);
    if (durable) log->after_pending(std::move(durable));
    return;
  }
  auto shared = std::make_shared<Change>(std::move(change));
  auto when_durable = [this, shared, durable = std::move(durable)](Status status) {
    status ? applied(*shared) : withdraw(*shared);
    if (durable) durable(status);
  };
  storage::Position at;
  if (shared->items.empty()) {
    log->after_pending(std::move(when_durable));
  } else {
    at = log->append(std::move(shared->items), urgent, std::move(when_durable));
  }
  lay_in_places(*shared, at);
  for (auto& arrival : shared->arrivals) {
    auto* queue = find_queue(arrival.queue);
    auto& entry = arrival.entry;
    if (queue == nullptr) continue;
    if (arrival.logged) {
      entry.at = {at.segment, at.offset + static_cast<std::uint32_t>(arrival.item_offset)};
      need(at.segment, 1, entry.size);
      const bool kept = residents.body_bytes < limits.bodies_max && queue->body_bytes() < limits.queue_bodies_max;
      if (!kept) entry.message = nullptr;
    }
    auto& backlog = queue->backlog(entry.priority);
    backlog.append(entry);
    entry.message = nullptr;
  }
  if (residents.entries > unload_at_) unload_some(nullptr);
}

void Broker::Core::applied(Change& change) {
  for (const auto& arrival : change.arrivals) {
    if (auto* queue = find_queue(arrival.queue)) arrive(*queue, arrival);
  }
  for (const auto& gone : change.gone) release(gone);
  free_keys(change);
  collect_garbage();
}

void Broker::Core::arrive(Queue& queue, const Change::Arrival& arrival) {
  const auto& entry = arrival.entry;
  --queue.arriving;
  queue.arriving_bytes -= entry.size;
  ++queue.ready;
  queue.ready_bytes += entry.size;
  auto& backlog = queue.backlog(entry.priority);
  if (auto* part = backlog.arrived(entry)) watch_expiry(backlog, *part);
  Change dropped;
  drop_overflow(dropped, queue);
  if (!dropped.gone.empty() || !dropped.arrivals.empty()) submit(std::move(dropped), false, {});
  kick(queue);
}

}  // namespace millrace::broker
