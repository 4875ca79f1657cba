#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "client.hpp"

namespace millrace::simulation {
namespace {

constexpr const char* exchange = "x";
constexpr std::uint64_t narrow_bytes = 1'500;

amqp::FieldTable arguments_of(std::string_view queue) {
  amqp::FieldTable arguments;
  for (const auto* family : families::all) {
    if (queue != family->main || family->other == nullptr) continue;
    arguments.set("x-dead-letter-exchange", exchange);
    arguments.set("x-dead-letter-routing-key", family->other);
  }
  if (queue == families::ordered.main) arguments.set("x-millrace-ordered", true);
  if (queue == families::ranked.main) arguments.set("x-max-priority", std::int64_t{3});
  if (queue == families::narrow.main) arguments.set("x-max-length-bytes", static_cast<std::int64_t>(narrow_bytes));
  return arguments;
}

}  // namespace

void Client::send_bytes(std::string_view bytes) {
  line_->send(Line::client, bytes);
}

void Client::start(const amqp::connection::Start&) {
  amqp::FieldTable capabilities;
  for (const auto* name : {"consumer_cancel_notify", "connection.blocked"}) capabilities.set(name, true);
  amqp::connection::StartOk ok;
  ok.client_properties.set("capabilities", capabilities);
  ok.client_properties.set("connection_name", name_);
  ok.mechanism = "PLAIN";
  ok.response = std::string_view("\0guest\0guest", 12);
  frame_size_max_ = around_.random(2) == 0 ? 4096 : 8192;
  send(0, ok);
}

/// Opens what is to be open; nobody waits for the answers.
void Client::set_up() {
  if (!std::exchange(reopening_, false)) {
    send(confirming, amqp::channel::Open{});
    send(confirming, amqp::confirm::Select{});
    declare_all();
    send(transacting, amqp::channel::Open{});
    send(transacting, amqp::tx::Select{});
  }
  auto& state = channels_[consuming];
  state = {};
  send(consuming, amqp::channel::Open{});
  if (habit_ == Habit::hungry) {
    for (const auto* family : families::all) {
      consume(consuming, family->main);
      if (family->other != nullptr) consume(consuming, family->other);
    }
    return;
  }
  state.prefetch = static_cast<std::uint16_t>(1 + around_.random(8));
  send(consuming, amqp::basic::Qos{.prefetch_count = state.prefetch});
  for (const auto* queue : {"work", "dead", "ranked", "narrow", "dropped", "returned", "ordered"}) {
    if (around_.random(3) == 0) consume(consuming, queue);
    if (around_.random(8) == 0 && channels_[transacting].consumers.empty()) consume(transacting, queue);
  }
}

void Client::declare(const char* queue) {
  asked_.push_back(settlings_certain_ + settlings_.size());
  send(confirming, amqp::queue::Declare{.queue = queue, .durable = true, .arguments = arguments_of(queue)});
}

void Client::declare_all() {
  send(confirming, amqp::exchange::Declare{.exchange = exchange, .type = "direct", .durable = true});
  for (const auto* family : families::all) {
    for (const auto* queue : {family->main, family->other}) {
      if (queue == nullptr) continue;
      declare(queue);
      const auto* key = queue == family->main ? family->key : queue;
      send(confirming, amqp::queue::Bind{.queue = queue, .exchange = exchange, .routing_key = key});
    }
  }
  // One key for two families: a message in two places.
  for (const auto* queue : {families::work.main, families::ranked.main}) {
    send(confirming, amqp::queue::Bind{.queue = queue, .exchange = exchange, .routing_key = "both"});
  }
}

void Client::consume(std::uint16_t channel, const char* queue) {
  const auto tag = fmt::format("{}-{}", channel, queue);
  channels_[channel].consumers[tag] = queue;
  send(channel, amqp::basic::Consume{.queue = queue, .consumer_tag = tag});
}

void Client::act() {
  if (stage_ != Stage::open || habit_ == Habit::hungry) return;
  const auto dice = around_.random(100);
  if (dice < 35) return publish(confirming);
  if (dice < 60) return settle(consuming);
  if (dice < 66) return get(around_.random(2) == 0 ? consuming : transacting);
  if (dice < 78) return publish(transacting);
  if (dice < 85) return settle(transacting);
  if (dice < 92) return commit();
  if (dice < 94) return roll_back();
  if (dice < 96) return declare(families::all[around_.random(6)]->main);
  if (dice < 98) return purge();
  return reopen();
}

void Client::publish(std::uint16_t channel) {
  if (channel == transacting && committing_) return;
  const auto id = fmt::format("m{}", around_.next_id++);
  amqp::Properties properties;
  properties.delivery_mode = 2;
  properties.priority = static_cast<std::uint8_t>(around_.random(4));
  const bool both = around_.random(6) == 0;
  const bool nowhere = channel == confirming && around_.random(20) == 0;
  // What lies on the heap may be purged unseen, which says nothing about its transaction.
  const auto& family = *families::all[around_.random(channel == transacting ? 5 : 6)];
  if (!both && &family == &families::passing) properties.expiration = std::to_string(20 + around_.random(800));
  std::vector<Copy*> copies;
  std::vector<const Family*> to = {&family};
  if (both) to = {&families::work, &families::ranked};
  if (nowhere) to.clear();
  for (const auto* one : to) {
    copies.push_back(&around_.ledger.publish(*one, id, fmt::format("{}.{}", name_, channel), ++numbers_,
                                             *properties.priority,
                                             channel == transacting ? Known::no : Known::perhaps));
  }
  if (!copies.empty() && copies.front()->family == &families::ordered)
    properties.headers.emplace().set("x-millrace-key", copies.front()->order_key);
  const auto tag = channel == confirming ? ++last_confirm_tag_ : 0;
  const auto size = around_.random(8) == 0 ? around_.random(9'000) : around_.random(300);
  const auto body = (nowhere ? fmt::format("nowhere{}", tag) : id) + " " + std::string(size, 'x');
  const std::string_view key = nowhere ? "nowhere" : both ? "both" : family.key;
  std::string bytes;
  amqp::write_method(bytes, channel,
                     amqp::basic::Publish{.exchange = exchange, .routing_key = key, .mandatory = nowhere});
  amqp::write_content(bytes, channel, amqp::encode_properties(properties), body, frame_size_max_);
  around_.tell(fmt::format("{} publishes {} to {} on channel {}", name_, id, key, channel));
  send_bytes(bytes);
  ++around_.published;
  if (channel == confirming) {
    unconfirmed_.emplace(tag, Unconfirmed{copies, settlings_certain_ + settlings_.size(), nowhere});
  } else {
    gathered_->published.insert(gathered_->published.end(), copies.begin(), copies.end());
  }
}

void Client::settle(std::uint16_t channel) {
  auto& held = channels_[channel].held;
  if (held.empty() || reopening_ || (channel == transacting && committing_)) return;
  auto it = std::next(held.begin(), static_cast<std::ptrdiff_t>(around_.random(held.size())));
  const auto tag = it->first;
  const auto kind = around_.random(10);
  if (kind == 0 && channel == consuming) {
    around_.tell(fmt::format("{} puts {} back", name_, it->second.copy->id));
    held.erase(it);
    return send(channel, amqp::basic::Nack{.delivery_tag = tag, .requeue = true});
  }
  if (channel == transacting && kind < 5 && it->second.queue == families::ordered.main) {
    taken_.insert(*it);
    put_back(tag, it->second);
    held.erase(it);
    return;
  }
  const bool rejects = kind == 1;
  const bool multiple = !rejects && kind < 5;
  if (multiple) it = held.begin();
  for (; it != held.end() && it->first <= tag; it = held.erase(it)) {
    auto& copy = *it->second.copy;
    const bool moving = rejects && NetworkLedger::moves(copy);
    around_.tell(fmt::format("{} {} {} on channel {}", name_, rejects ? "rejects" : "acknowledges", copy.id, channel));
    ++around_.settled;
    if (channel == transacting) {
      (moving ? gathered_->moved : gathered_->settled).push_back(&copy);
      taken_.insert(*it);
    } else {
      NetworkLedger::try_to_settle(copy, moving);
      settlings_.push_back({&copy, moving});
    }
  }
  if (rejects) return send(channel, amqp::basic::Reject{.delivery_tag = tag, .requeue = false});
  send(channel, amqp::basic::Ack{.delivery_tag = tag, .multiple = multiple});
}

/// For a later try, in the transaction that acknowledges it.
void Client::put_back(std::uint64_t tag, const Held& held) {
  auto& copy = *held.copy;
  around_.tell(fmt::format("{} puts {} back to its place", name_, copy.id));
  gathered_->put_back.push_back(&copy);
  amqp::Properties properties;
  properties.delivery_mode = 2;
  properties.expiration = std::to_string(1 + around_.random(400));
  properties.headers.emplace().set("x-millrace-key", copy.order_key);
  properties.headers->set("x-millrace-place", held.place);
  std::string bytes;
  amqp::write_method(bytes, transacting,
                     amqp::basic::Publish{.exchange = exchange, .routing_key = families::ordered.key});
  amqp::write_content(bytes, transacting, amqp::encode_properties(properties), copy.id + " again", frame_size_max_);
  send_bytes(bytes);
  send(transacting, amqp::basic::Ack{.delivery_tag = tag});
}

void Client::acknowledge_at_once(std::uint16_t channel, std::uint64_t tag) {
  auto& held = channels_[channel].held;
  auto& copy = *held.at(tag).copy;
  NetworkLedger::try_to_settle(copy, false);
  settlings_.push_back({&copy, false});
  held.erase(tag);
  ++around_.settled;
  send(channel, amqp::basic::Ack{.delivery_tag = tag});
}

void Client::get(std::uint16_t channel) {
  if (reopening_ || (channel == transacting && committing_)) return;
  constexpr const char* queues[] = {"work", "dead", "ranked", "narrow", "dropped", "returned", "ordered"};
  const auto* queue = queues[around_.random(7)];
  channels_[channel].gets.emplace_back(queue);
  send(channel, amqp::basic::Get{.queue = queue});
}

void Client::commit() {
  if (committing_) return;
  around_.tell(name_ + " commits");
  committing_ = std::exchange(gathered_, std::make_shared<Transaction>());
  taken_.clear();
  settlings_before_commit_ = settlings_certain_ + settlings_.size();
  around_.ledger.commit(committing_);
  send(transacting, amqp::tx::Commit{});
}

void Client::roll_back() {
  if (committing_) return;
  around_.tell(name_ + " rolls back");
  gathered_ = std::make_shared<Transaction>();
  channels_[transacting].held.merge(taken_);
  taken_.clear();
  send(transacting, amqp::tx::Rollback{});
}

void Client::purge() {
  if (purging_) return;
  around_.tell(name_ + " purges the heap");
  purging_ = around_.ledger.begin_purge();
  send(confirming, amqp::queue::Purge{.queue = families::heap.main});
}

void Client::reopen() {
  if (reopening_) return;
  around_.tell(name_ + " closes the channel it consumes on");
  reopening_ = true;
  send(consuming, amqp::channel::Close{.reply_code = 200, .reply_text = "", .failed_class = 0, .failed_method = 0});
}

void Client::leave() {
  if (stage_ != Stage::open) return;
  around_.tell(name_ + " leaves");
  stage_ = Stage::leaving;
  send(0, amqp::connection::Close{.reply_code = 200, .reply_text = "", .failed_class = 0, .failed_method = 0});
}

}  // namespace millrace::simulation
