#include "rabbitmq/publisher.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace millrace::rabbitmq {
namespace {

using amqp::MethodId;

constexpr std::chrono::milliseconds first_delay{100};
constexpr std::chrono::milliseconds longest_delay{5'000};
constexpr std::chrono::seconds patience_interval{1};

std::chrono::milliseconds delay_after(int tries) {
  return std::min(longest_delay, first_delay * (1 << std::min(tries, 6)));
}

}  // namespace

Publisher::Publisher(io::Loop& loop, amqp::client::Connection& connection, std::uint16_t channel)
    : loop_(loop), connection_(connection), channel_(channel) {}

Publisher::~Publisher() {
  *alive_ = false;
  loop_.cancel(timer_);
}

void Publisher::publish(broker::MessagePtr message, std::optional<std::chrono::milliseconds> patience, Confirmed done) {
  const auto number = ++last_number_;
  bytes_ += message->body.size();
  std::optional<io::SteadyTime> give_up;
  if (patience) give_up = loop_.steady_now() + *patience;
  items_.emplace(number, Item{std::move(message), give_up, std::move(done)});
  unsent_.push_back(number);
  send_waiting();
  watch_patience();
}

void Publisher::hold(std::optional<std::string> reason) {
  held_ = std::move(reason);
  if (held_) reason_ = *held_;
  send_waiting();
}

void Publisher::send_waiting() {
  if (!open_ || held_) return;
  for (const auto number : std::exchange(unsent_, {})) {
    if (const auto item = items_.find(number); item != items_.end()) send(number, item->second);
  }
}

void Publisher::send(Number number, const Item& item) {
  sent_.emplace(++last_tag_, number);
  const auto& message = *item.message;
  connection_.publish(channel_, {.exchange = message.exchange, .routing_key = message.routing_key, .mandatory = true},
                      message.properties, message.body);
}

void Publisher::opened() {
  connection_.send(channel_, amqp::confirm::Select{});
  last_tag_ = 0;
  open_ = true;
  send_waiting();
}

void Publisher::replied(MethodId id, amqp::Reader& in) {
  if (id == MethodId::basic_ack) {
    const auto ack = amqp::basic::Ack::read(in);
    settled(ack.delivery_tag, ack.multiple, true);
  } else if (id == MethodId::basic_nack) {
    const auto nack = amqp::basic::Nack::read(in);
    settled(nack.delivery_tag, nack.multiple, false);
  }
}

/// It has no number on the wire, and comes before its confirm: the first of those under way that it can be.
void Publisher::brought(amqp::client::Content content) {
  if (content.id != MethodId::basic_return) return;
  const auto& returned = content.message;
  for (const auto& [tag, number] : sent_) {
    const auto item = items_.find(number);
    if (item == items_.end() || !item->second.trouble.empty()) continue;
    const auto& message = *item->second.message;
    if (message.exchange != returned.exchange || message.routing_key != returned.routing_key) continue;
    if (message.properties != returned.properties || message.body != returned.body) continue;
    item->second.trouble =
        fmt::format("no queue takes what is published to {} with the key {}", message.exchange, message.routing_key);
    return;
  }
}

void Publisher::settled(std::uint64_t tag, bool multiple, bool taken) {
  std::vector<Number> numbers;
  const auto last = sent_.upper_bound(tag);
  const auto first = multiple ? sent_.begin() : sent_.find(tag);
  if (first == sent_.end()) return;
  for (auto entry = first; entry != last; ++entry) numbers.push_back(entry->second);
  sent_.erase(first, last);
  for (const auto number : numbers) settled(number, taken);
}

void Publisher::settled(Number number, bool taken) {
  const auto found = items_.find(number);
  if (found == items_.end()) return;
  auto& item = found->second;
  if (taken && item.trouble.empty()) return finish(found, Done{});
  if (!taken) item.trouble = "RabbitMQ refuses the message (its queue is full, or has too few members left)";
  reason_ = std::exchange(item.trouble, {});
  try_again(number, item);
}

void Publisher::try_again(Number number, Item& item) {
  loop_.after(delay_after(item.tries++), [this, alive = alive_, number] {
    if (!*alive || !items_.contains(number)) return;
    unsent_.push_back(number);
    send_waiting();
  });
}

void Publisher::closed(amqp::ReplyCode code, const std::string& why) {
  open_ = false;
  reason_ = why;
  std::deque<Number> again;
  for (const auto& [tag, number] : sent_) again.push_back(number);
  sent_.clear();
  // Refused for what was published: to an exchange that is not there (yet), or not allowed. It is not known which.
  if (code != amqp::ReplyCode::connection_forced) {
    for (const auto number : again) {
      if (const auto item = items_.find(number); item != items_.end()) try_again(number, item->second);
    }
    return;
  }
  unsent_.insert(unsent_.begin(), again.begin(), again.end());
}

void Publisher::finish(std::map<Number, Item>::iterator item, const Status& status) {
  const auto done = std::move(item->second.done);
  bytes_ -= item->second.message->body.size();
  items_.erase(item);
  if (done) done(status);
  if (items_.empty() && told_) told_();
}

void Publisher::watch_patience() {
  if (timer_ != 0 || items_.empty()) return;
  timer_ = loop_.after(patience_interval, [this] {
    timer_ = 0;
    give_up();
    watch_patience();
  });
}

void Publisher::give_up() {
  const auto now = loop_.steady_now();
  std::vector<Number> over;
  for (const auto& [number, item] : items_) {
    if (item.give_up && *item.give_up <= now) over.push_back(number);
  }
  for (const auto number : over) {
    if (const auto item = items_.find(number); item != items_.end()) {
      finish(item, Error{Error::Kind::unavailable, reason_});
    }
  }
}

}  // namespace millrace::rabbitmq
