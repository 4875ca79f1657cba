// Messages that leave a queue otherwise than by a consumer's word: expiry and dead-lettering.
#include "amqp/properties.hpp"
#include "broker/core.hpp"
#include "core/log.hpp"

namespace millrace::broker {
namespace {

using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;

const FieldArray* array_of(const FieldTable& headers, std::string_view name) {
  const auto* have = headers.find(name);
  return have == nullptr ? nullptr : std::get_if<FieldArray>(&have->value);
}

void add_copies(const FieldTable& headers, std::string_view name, std::vector<std::string>& keys) {
  const auto* copies = array_of(headers, name);
  if (copies == nullptr) return;
  for (const auto& key : *copies) {
    if (const auto* text = std::get_if<std::string>(&key.value)) keys.push_back(*text);
  }
}

/// The routing keys that a message was published with, without those of its header BCC, which nobody is told.
FieldArray routing_keys(const Message& message, const FieldTable& headers) {
  std::vector<std::string> copies;
  add_copies(headers, "CC", copies);
  FieldArray keys = {FieldValue(message.routing_key)};
  for (auto& key : copies) keys.emplace_back(std::move(key));
  return keys;
}

/// The newest death first; deaths in the same queue for the same reason are counted together
/// (https://www.rabbitmq.com/docs/dlx#effects).
void record_death(FieldTable& headers, const std::string& queue, const Message& message, std::string_view reason,
                  std::uint64_t now_ms, const std::optional<std::string>& expiration) {
  FieldArray deaths;
  if (const auto* have = array_of(headers, "x-death")) deaths = *have;
  FieldTable death;
  std::int64_t count = 1;
  std::erase_if(deaths, [&](const FieldValue& value) {
    const auto* table = std::get_if<FieldTable>(&value.value);
    if (table == nullptr || table->text("queue") != queue || table->text("reason") != reason) return false;
    count = table->integer("count") + 1;
    return true;
  });
  death.set("count", count);
  death.set("reason", reason);
  death.set("queue", queue);
  death.set("time", amqp::Timestamp{now_ms / 1000});
  death.set("exchange", message.exchange);
  death.set("routing-keys", routing_keys(message, headers));
  if (expiration) death.set("original-expiration", *expiration);
  deaths.insert(deaths.begin(), FieldValue(std::move(death)));
  headers.set("x-death", std::move(deaths));
  if (headers.find("x-first-death-reason") == nullptr) {
    headers.set("x-first-death-reason", reason);
    headers.set("x-first-death-queue", queue);
    headers.set("x-first-death-exchange", message.exchange);
  }
}

/// Queues that the message came through since it was last rejected: an automatic death does not bring it there again,
/// or it would go in circles for ever (https://www.rabbitmq.com/docs/dlx#automatic).
std::vector<std::string> circle(const FieldTable& headers) {
  std::vector<std::string> passed;
  const auto* deaths = array_of(headers, "x-death");
  if (deaths == nullptr) return passed;
  for (const auto& value : *deaths) {
    const auto* death = std::get_if<FieldTable>(&value.value);
    if (death == nullptr) continue;
    if (death->text("reason") == "rejected") break;
    passed.emplace_back(death->text("queue"));
  }
  return passed;
}

}  // namespace

void Broker::Core::dead_letter(Change& change, const Queue& queue, const Entry& entry, std::string_view reason) {
  if (!queue.rules.dead_letter_exchange) return;
  const auto original = message_of(entry);
  if (!original) return;
  auto properties = amqp::decode_properties(original->properties);
  if (!properties) return;
  auto message = std::make_shared<Message>();
  message->exchange = *queue.rules.dead_letter_exchange;
  message->routing_key = queue.rules.dead_letter_key.value_or(original->routing_key);
  auto headers = properties->headers.value_or(FieldTable());
  record_death(headers, queue.spec.name, *original, reason, now(), properties->expiration);
  for (const auto* name : {"CC", "BCC"}) {
    if (queue.rules.dead_letter_key) headers.erase(name);
    add_copies(headers, name, message->copies);
  }
  const auto not_into = circle(headers);
  properties->headers = std::move(headers);
  properties->expiration.reset();
  message->properties = amqp::encode_properties(*properties);
  message->body = original->body;
  if (!republish(change, message, not_into)) {
    log::warning("dead_letter_unroutable",
                 {{"queue", queue.spec.name}, {"exchange", message->exchange}, {"key", message->routing_key}});
  }
}

void Broker::Core::watch_expiry(Backlog& backlog, Part& part) {
  if (!part.wakes_earlier()) return;
  if (const auto* queue = find_queue(backlog.queue); queue != nullptr && queue->order) return;  // see wake_keys
  if (part.watched_at != 0) expiries_.erase({part.watched_at, backlog.queue, backlog.priority, part.segment});
  part.watched_at = part.expires_first;
  expiries_.emplace(part.watched_at, backlog.queue, backlog.priority, part.segment);
  if (expiry_timer_ == 0 || part.watched_at < expiry_timer_at_) set_expiry_timer();
}

void Broker::Core::set_expiry_timer() {
  loop.cancel(expiry_timer_);
  expiry_timer_ = 0;
  if (expiries_.empty()) return;
  expiry_timer_at_ = std::get<0>(*expiries_.begin());
  const auto time = now();
  const std::chrono::milliseconds delay(expiry_timer_at_ > time ? expiry_timer_at_ - time : 0);
  expiry_timer_ = loop.after(delay, [this] {
    expiry_timer_ = 0;
    expire_due();
  });
}

void Broker::Core::touch(Queue& queue) {
  if (!queue.rules.unused_time_max) return;
  queue.used_at = now();
  if (!std::exchange(queue.watched_for_use, true)) watch_use(queue);
}

void Broker::Core::watch_use(Queue& queue) {
  const auto end = queue.used_at + *queue.rules.unused_time_max;
  const std::chrono::milliseconds left(end > now() ? end - now() : 0);
  loop.after(std::min<std::chrono::milliseconds>(left, std::chrono::hours(24)), [this, id = queue.id, alive = alive_] {
    auto* still = *alive ? find_queue(id) : nullptr;
    if (still == nullptr) return;
    if (!still->consumers.empty()) still->used_at = now();
    if (still->used_at + *still->rules.unused_time_max <= now()) return remove_queue(*still);
    watch_use(*still);
  });
}

/// Those whose part is loaded go before those for which another would have to leave.
Broker::Core::Expiries::iterator Broker::Core::next_expiry(std::uint64_t time) {
  for (auto it = expiries_.begin(); it != expiries_.end() && std::get<0>(*it) <= time; ++it) {
    const auto& [when, queue, priority, segment] = *it;
    const auto* part = find_part({.queue = queue, .priority = priority, .number = 0, .at = {segment, 0}, .size = 0});
    if (part == nullptr || part->is_loaded()) return it;
  }
  const auto first = expiries_.begin();
  return first != expiries_.end() && std::get<0>(*first) <= time ? first : expiries_.end();
}

void Broker::Core::expire_due() {
  constexpr std::size_t at_once_max = 1'000;
  Change change;
  const auto time = now();
  while (change.gone.size() < at_once_max) {
    const auto next = next_expiry(time);
    if (next == expiries_.end()) break;
    const auto [when, queue_id, priority, segment] = *next;
    expiries_.erase(next);
    auto* queue = find_queue(queue_id);
    auto* backlog = queue == nullptr ? nullptr : queue->find_backlog(priority);
    auto* part = backlog == nullptr ? nullptr : backlog->find(segment);
    if (part == nullptr || part->watched_at != when) continue;
    part->watched_at = 0;
    if (!part->is_loaded() && !load(*backlog, *part)) {
      watch_expiry(*backlog, *part);  // and read_later() looks again
      break;
    }
    // It may have gone while it was loaded: nothing of it could be read.
    if (backlog->find(segment) == part) expire_part(change, *queue, *backlog, *part, at_once_max);
  }
  if (!change.items.empty() || !change.arrivals.empty()) submit(std::move(change), true, {});
  set_expiry_timer();
}

void Broker::Core::expire_part(Change& change, Queue& queue, Backlog& backlog, Part& part, std::size_t count_max) {
  const auto segment = part.segment;
  const auto expired = backlog.take_expired(part, now(), count_max);
  if (auto* still = backlog.find(segment)) watch_expiry(backlog, *still);
  for (const auto& entry : expired) {
    --queue.ready;
    queue.ready_bytes -= entry.size;
    dead_letter(change, queue, entry, "expired");
    leave(change, queue, entry, storage::Left::expired);
  }
}

}  // namespace millrace::broker
