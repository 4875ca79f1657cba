#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "broker/core.hpp"
#include "core/log.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

std::uint64_t Broker::Core::free_space() {
  const auto time = now();
  if (time < space_checked_at_ + 200 && time >= space_checked_at_) return free_space_;
  space_checked_at_ = time;
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
  return free_space_;
}

std::optional<Refusal> Broker::Core::refuse_publishing(const Batch& batch) {
  if (log->failure()) return Refusal{ReplyCode::resource_error, "storage failed: " + log->failure()->message};
  if (batch.publishes.empty()) return std::nullopt;
  if (publishing_held) return Refusal{ReplyCode::resource_error, *publishing_held};
  // What takes a message off for what it puts in brings the backlog to an end, so it may use up the reserve itself.
  const auto space_min = batch.settlements.empty() ? limits.free_space_min : limits.free_space_min / 4;
  if (free_space() < space_min) {
    return Refusal{ReplyCode::resource_error, "the disk is nearly full; nothing new is taken in"};
  }
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
      dead_letter(change, *queue, {0, message, {}, static_cast<std::uint32_t>(size), 0, 0, false, 0}, "maxlen");
    }
    return true;
  });
  std::optional<storage::Digest> id;
  if (const auto glance = amqp::glance(message->properties); glance && glance->message_id) {
    const auto digest = storage::digest(*glance->message_id);
    const auto time = now();
    std::erase_if(to, [&](Queue* queue) {
      if (!queue->window.open()) return false;
      id = digest;
      return !queue->window.take(digest, time);
    });
    taken.repeated = id && to.empty();
  }
  lay_in(change, message, to, id);
  return taken;
}

bool Broker::Core::republish(Change& change, const MessagePtr& message, const std::vector<std::string>& not_into) {
  auto to = route(*message);
  const bool routed = !to.empty();
  std::erase_if(to, [&](const Queue* queue) {
    return std::find(not_into.begin(), not_into.end(), queue->spec.name) != not_into.end();
  });
  lay_in(change, message, to, std::nullopt);
  return routed;
}

void Broker::Core::lay_in(Change& change, const MessagePtr& message, const std::vector<Queue*>& to,
                          const std::optional<storage::Digest>& id) {
  if (to.empty()) return;
  storage::MessageItem item;
  item.number = next_number_++;
  item.id = id;
  const auto glance = amqp::glance(message->properties);
  std::uint64_t expires_at = 0;
  if (glance && glance->expiration) {
    expires_at = now() + std::strtoull(std::string(*glance->expiration).c_str(), nullptr, 10);
  }
  const auto size = static_cast<std::uint32_t>(message->properties.size() + message->body.size());
  const std::size_t offset = change.items.size();
  for (auto* queue : to) {
    Entry entry{item.number, message,    {},    size,
                0,           expires_at, false, queue->priority_of(glance ? glance->priority : 0)};
    if (const auto ttl = queue->rules.message_ttl) {
      const auto end = now() + *ttl;
      if (entry.expires_at == 0 || end < entry.expires_at) entry.expires_at = end;
    }
    ++queue->published_total;
    ++queue->arriving;
    queue->arriving_bytes += size;
    if (queue->logged) item.targets.push_back({queue->id, 0, storage::target_counted, entry.expires_at});
    change.arrivals.push_back({queue->id, std::move(entry), offset, queue->logged});
  }
  if (item.targets.empty()) return;
  item.exchange = message->exchange;
  item.routing_key = message->routing_key;
  item.properties = message->properties;
  item.body = message->body;
  storage::encode(change.items, item);
}

void Broker::Core::leave(Change& change, Queue& queue, const Entry& entry, storage::Left how) {
  if (entry.at.segment == 0) return;
  storage::encode(change.items, storage::SettledItem{queue.id, how, entry.number});
  change.gone.emplace_back(entry.at, entry.size);
}

void Broker::Core::settle(Change& change, Outstanding delivery, Settle how) {
  auto* queue = find_queue(delivery.queue);
  if (queue == nullptr) return;
  const auto found = queue->out.find(delivery.number);
  if (found == queue->out.end()) return;
  Entry entry = std::move(found->second);
  queue->out.erase(found);
  if (how == Settle::requeue) {
    entry.redelivered = true;
    return queue->rules.counts_returns ? put_back_counted(change, *queue, std::move(entry))
                                       : put_back(*queue, std::move(entry));
  }
  if (how == Settle::ack) {
    ++queue->settled_total;
    leave(change, *queue, entry, storage::Left::acknowledged);
  } else {
    dead_letter(change, *queue, entry, "rejected");
    leave(change, *queue, entry, storage::Left::rejected);
  }
  if (entry.message) bytes_in_memory_ -= entry.size;
  kick(*queue);
}

void Broker::Core::put_back(Queue& queue, Entry entry) {
  watch_expiry(queue, entry);
  queue.put(std::move(entry));
  drop_overflow(queue);
  kick(queue);
}

void Broker::Core::put_back_counted(Change& change, Queue& queue, Entry entry) {
  ++entry.lost_count;
  if (queue.rules.delivery_limit && entry.lost_count > *queue.rules.delivery_limit) {
    dead_letter(change, queue, entry, "delivery_limit");
    leave(change, queue, entry, storage::Left::lost_often);
    if (entry.message) bytes_in_memory_ -= entry.size;
    return;
  }
  if (entry.at.segment != 0) storage::encode(change.items, storage::LostItem{queue.id, entry.lost_count, entry.number});
  put_back(queue, std::move(entry));
}

Answer<Accepted> Broker::Core::commit(SessionId session, Batch batch, Durable durable) {
  if (auto refusal = refuse_publishing(batch)) return *refusal;
  Change change;
  Accepted accepted;
  for (std::size_t i = 0; i < batch.publishes.size(); ++i) {
    const auto taken = publish(change, batch.publishes[i]);
    if (!taken.routed) accepted.unroutable.push_back(i);
    if (taken.rejected) accepted.rejected.push_back(i);
    if (taken.repeated) accepted.repeated.push_back(i);
  }
  for (const auto& settlement : batch.settlements) {
    auto found = outstanding.find(settlement.delivery);
    if (found == outstanding.end() || found->second.session != session) continue;
    const auto delivery = found->second;
    outstanding.erase(found);
    if (const auto consumer = consumers.find(delivery.consumer); consumer != consumers.end()) {
      --consumer->second.holds;
      if (consumer->second.holds == 0) consumer->second.holds_suspect = false;
    }
    settle(change, delivery, settlement.how);
  }
  submit(std::move(change), static_cast<bool>(durable) || !batch.publishes.empty(), std::move(durable));
  return accepted;
}

void Broker::Core::return_lost(Change& change, const Outstanding& delivery) {
  auto* queue = find_queue(delivery.queue);
  if (queue == nullptr) return;
  const auto found = queue->out.find(delivery.number);
  if (found == queue->out.end()) return;
  Entry entry = std::move(found->second);
  queue->out.erase(found);
  entry.redelivered = true;
  put_back_counted(change, *queue, std::move(entry));
}

void Broker::Core::end_session(SessionId session, SessionEnd how) {
  std::vector<ConsumerId> ended;
  for (const auto& [id, consumer] : consumers) {
    if (consumer.session == session) ended.push_back(id);
  }
  for (const auto id : ended) cancel(id);
  Change change;
  for (auto it = outstanding.begin(); it != outstanding.end();) {
    if (it->second.session != session) {
      ++it;
      continue;
    }
    const auto delivery = it->second;
    it = outstanding.erase(it);
    how == SessionEnd::lost ? return_lost(change, delivery) : settle(change, delivery, Settle::requeue);
  }
  std::vector<Queue*> own;
  for (const auto& [name, queue] : queues) {
    if (queue->spec.exclusive && queue->owner == session) own.push_back(queue.get());
  }
  for (auto* queue : own) remove_queue(*queue);
  if (!change.items.empty() || !change.arrivals.empty()) submit(std::move(change), true, {});
}

void Broker::Core::submit(Change change, bool urgent, Durable durable) {
  if (change.items.empty() && change.arrivals.empty()) return tell(std::move(durable));
  auto shared = std::make_shared<Change>(std::move(change));
  auto when_durable = [this, shared, durable = std::move(durable)](Status status) {
    if (status) applied(*shared);
    if (durable) durable(status);
  };
  if (shared->items.empty()) return log->after_pending(std::move(when_durable));
  const auto at = log->append(shared->items, urgent, std::move(when_durable));
  for (auto& arrival : shared->arrivals) {
    if (!arrival.logged) continue;
    arrival.entry.at = {at.segment, at.offset + static_cast<std::uint32_t>(arrival.item_offset)};
    need(arrival.entry);
  }
  shared->items = {};
}

void Broker::Core::tell(Durable durable) {
  if (durable) log->after_pending(std::move(durable));
}

void Broker::Core::applied(Change& change) {
  for (auto& arrival : change.arrivals) {
    auto* queue = find_queue(arrival.queue);
    if (queue != nullptr) {
      arrive(*queue, std::move(arrival.entry));
    } else {
      release(arrival.entry.at, arrival.entry.size);
    }
  }
  for (const auto& [at, size] : change.gone) release(at, size);
  collect_garbage();
}

void Broker::Core::arrive(Queue& queue, Entry entry) {
  --queue.arriving;
  queue.arriving_bytes -= entry.size;
  if (bytes_in_memory_ > limits.memory_max && entry.at.segment != 0) {
    entry.message = nullptr;
  } else {
    bytes_in_memory_ += entry.size;
  }
  watch_expiry(queue, entry);
  queue.put(std::move(entry));
  drop_overflow(queue);
  kick(queue);
}

void Broker::Core::drop_overflow(Queue& queue) {
  const auto over = [&] {
    return (queue.rules.length_max && queue.ready.size() > *queue.rules.length_max) ||
           (queue.rules.length_bytes_max && queue.ready_bytes > *queue.rules.length_bytes_max);
  };
  if (queue.rules.reject_publish || queue.ready.empty() || !over()) return;
  Change change;
  while (!queue.ready.empty() && over()) {
    const auto entry = queue.take(queue.first_to_drop());
    dead_letter(change, queue, entry, "maxlen");
    leave(change, queue, entry, storage::Left::overflowed);
    if (entry.message) bytes_in_memory_ -= entry.size;
  }
  submit(std::move(change), false, {});
}

}  // namespace millrace::broker
