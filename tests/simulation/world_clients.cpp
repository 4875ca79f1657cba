// What the clients of a World do.
#include <algorithm>

#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "world.hpp"

namespace millrace::simulation {

void World::act(int actions) {
  for (int i = 0; i < actions && !wrong_ && !disk_.is_off() && !storage_failed_; ++i) {
    act_once();
    check_memory();
    // What was begun goes on for a while, or not at all before the next action.
    for (auto steps = random(4); steps > 0 && !disk_.is_off() && !wrong_; --steps) loop_->step();
    if (random(20) == 0) run(std::chrono::milliseconds(random(100)));
    if (full_since_ && random(40) == 0) make_room();
  }
}

void World::act_once() {
  const auto dice = random(100);
  if (dice < 80 - 2 * eagerness_) return publish_some();
  if (dice < 80 - eagerness_) return get_one(queues_[random(queues_.size())].name);
  if (dice < 76) return settle_one();
  if (dice < 80) return rebound_one();
  if (dice < 94) return transact();
  if (dice < 96) return lose_session();
  if (dice < 97) return drain_one_queue();
  if (dice < 98) return purge();
  if (!late_declared_ && random(3) == 0) {
    late_declared_ = true;
    for (std::size_t i = 0; i < declared_late_; ++i) declare(queues_[i]);
  }
}

Publication World::make_publication() {
  Publication publication{.id = fmt::format("m{}", next_id_++)};
  constexpr const char* others[] = {"last", "delayed", "delayed", "narrow",  "ranked", "ranked",
                                    "heap", "ordered", "ordered", "ordered", "ordered"};
  const auto dice = random(18);
  publication.key = dice < 7 ? fmt::format("k{}", random(3)) : others[dice - 7];
  if (publication.key == "delayed") publication.expires_at = now() + 1 + random(300);
  if (publication.key == "ordered") {
    if (const auto key = random(4); key > 0) publication.order_key = fmt::format("key{}", key);
    if (random(8) == 0) publication.expires_at = now() + 1 + random(100);
  }
  publication.priority = static_cast<std::uint8_t>(random(4));
  if (dice < 4) {
    const bool repeat = !message_ids_.empty() && random(3) == 0;
    publication.message_id = repeat ? message_ids_[random(message_ids_.size())] : publication.id;
    message_ids_.push_back(publication.message_id);
  }
  return publication;
}

broker::MessagePtr World::message(Publication& publication, std::uint64_t place) {
  amqp::Properties properties;
  properties.delivery_mode = 2;
  properties.priority = publication.priority;
  if (!publication.message_id.empty()) properties.message_id = publication.message_id;
  if (publication.expires_at != 0) properties.expiration = std::to_string(publication.expires_at - now());
  if (!publication.order_key.empty() || place != 0) properties.headers.emplace();
  if (!publication.order_key.empty()) properties.headers->set("x-millrace-key", publication.order_key);
  if (place != 0) properties.headers->set("x-millrace-place", static_cast<std::int64_t>(place));
  auto message = std::make_shared<broker::Message>();
  message->exchange = exchange;
  message->routing_key = publication.key;
  message->properties = amqp::encode_properties(properties);
  const auto size = random(8) == 0 ? random(3000) : random(200);
  message->body = publication.id + " " + std::string(size, 'x');
  publication.size = message->properties.size() + message->body.size();
  return message;
}

void World::commit(Commit commit, broker::Batch batch) {
  const auto publications = commit.publications.size();
  const auto settlings = commit.settlings.size();
  const bool in_order = std::any_of(commit.settlings.begin(), commit.settlings.end(),
                                    [](const Settling& it) { return it.queue == "ordered"; });
  const bool heeded = publications > 0 || in_order || !commit.replacings.empty();
  const bool lazy = !heeded && random(2) == 0;  // an ack for whose durability nobody waits
  const auto number = history_.size();
  const auto answer = broker_->commit(publisher_, std::move(batch), lazy ? nullptr : durable(number));
  if (!answer) {
    for (const auto& settling : commit.settlings) strays_.insert(settling.id);
    for (const auto& replacing : commit.replacings) strays_.insert(replacing.id);
    return refused("commit", answer.error());
  }
  for (const auto& publication : commit.publications) {
    published_in_[publication.id] = number;
    tell("publish", fmt::format("{} to {} in commit {}", publication.id, publication.key, number));
  }
  for (const auto& settling : commit.settlings) {
    tell(settling.rejected ? "reject" : "ack",
         fmt::format("{} of {} in commit {}{}", settling.id, settling.queue, number, lazy ? ", lazily" : ""));
  }
  note_ends_of_turns(commit, number);
  history_.add(std::move(commit));
  counts_.published += publications;
  counts_.settled += settlings;
}

void World::publish_some() {
  Commit commit;
  broker::Batch batch;
  for (auto count = 1 + random(3); count > 0; --count) {
    commit.publications.push_back(make_publication());
    batch.publishes.push_back(message(commit.publications.back()));
  }
  this->commit(std::move(commit), std::move(batch));
}

Settling World::take_held(broker::Batch& batch) {
  const auto at = held_.begin() + static_cast<std::ptrdiff_t>(random(held_.size()));
  const auto held = *at;
  held_.erase(at);
  const bool rejected = random(4) == 0;
  batch.settlements.push_back({held.delivery, rejected ? broker::Settle::reject : broker::Settle::ack});
  return {held.queue, held.id, rejected};
}

void World::settle_one() {
  if (held_.empty()) return;
  broker::Batch batch;
  if (random(5) == 0) {
    const auto held = held_.back();
    held_.pop_back();
    tell("requeue", fmt::format("{} of {}", held.id, held.queue));
    batch.settlements.push_back({held.delivery, broker::Settle::requeue});
    if (!broker_->commit(publisher_, std::move(batch), nullptr)) storage_failed_ = true;
    return;
  }
  Commit commit;
  commit.settlings.push_back(take_held(batch));
  this->commit(std::move(commit), std::move(batch));
}

void World::transact() {
  Commit commit;
  broker::Batch batch;
  for (auto count = 1 + random(3); count > 0; --count) {
    commit.publications.push_back(make_publication());
    batch.publishes.push_back(message(commit.publications.back()));
  }
  for (auto count = random(4); count > 0 && !held_.empty(); --count) commit.settlings.push_back(take_held(batch));
  this->commit(std::move(commit), std::move(batch));
}

void World::get_one(const std::string& name) {
  const auto& rules = *std::find_if(queues_.begin(), queues_.end(), [&](const auto& it) { return it.name == name; });
  if (rules.is_pool || rules.keeps_only_the_last || rules.bytes_max != 0 || !broker_->queue(rules.name)) return;
  const auto answer = broker_->get(publisher_, rules.name, false);
  if (disk_.is_off()) return;
  if (!answer) return complain("get refused: " + answer.error().text);
  if (!*answer) return rules.ordered ? check_nobody_has_a_turn() : void();
  const auto& delivery = **answer;
  const auto id = delivery.message->body.substr(0, delivery.message->body.find(' '));
  const auto made = published_in_.find(id);
  if (made == published_in_.end()) return complain(fmt::format("{} was delivered and never published", id));
  if (!history_.is_confirmed(made->second)) complain(fmt::format("{} was delivered before it was durable", id));
  if (!history_.intended().holds(rules.name, id)) complain(fmt::format("{} was delivered after it was settled", id));
  const bool twice = std::any_of(held_.begin(), held_.end(),
                                 [&](const Held& held) { return held.id == id && held.queue == rules.name; });
  if (twice) complain(fmt::format("{} was delivered twice at a time", id));
  if (rules.ranks) check_rank(rules.name, id);
  if (rules.ordered && !wrong_) check_turn(id);
  tell("get", fmt::format("{} of {}", id, rules.name));
  held_.push_back({delivery.id, rules.name, id, delivery.place});
}

/// It is the first of those that are durable and not out.
void World::check_rank(const std::string& queue, const std::string& id) {
  for (const auto& first : history_.intended().on(queue)) {
    if (is_out(queue, first) || strays_.contains(first) || !history_.is_confirmed(published_in_.at(first))) continue;
    if (first != id) complain(fmt::format("{} was delivered from {} before {}", id, queue, first));
    return;
  }
}

void World::purge() {
  constexpr const char* name = "heap";
  if (!broker_->queue(name)) return;
  Purge purge{.queue = name, .except = strays_};
  for (const auto& held : held_) {
    if (held.queue == name) purge.except.insert(held.id);
  }
  for (const auto& id : history_.intended().on(name)) {
    if (!history_.is_confirmed(published_in_.at(id))) purge.except.insert(id);
  }
  const auto answer = broker_->purge_queue(publisher_, name, durable(history_.size()));
  if (!answer) return refused("purge", answer.error());
  tell("purge", fmt::format("{} messages in commit {}", *answer, history_.size()));
  history_.add({.purges = std::move(purge)});
}

/// All but a few of a queue's messages: what is left keeps its old segment alive.
void World::drain_one_queue() {
  const auto name = queues_[random(queues_.size())].name;
  for (int i = 0; i < 100 && !wrong_; ++i) get_one(name);
  broker::Batch batch;
  Commit commit;
  while (held_.size() > 2) commit.settlings.push_back(take_held(batch));
  if (!commit.settlings.empty()) this->commit(std::move(commit), std::move(batch));
}

void World::lose_session() {
  tell("session ends", "");
  broker_->end_session(publisher_, random(2) == 0 ? broker::SessionEnd::lost : broker::SessionEnd::clean);
  held_.clear();
  strays_.clear();
  publisher_ = broker_->begin_session();
}

}  // namespace millrace::simulation
