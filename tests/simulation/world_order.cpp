// What a World knows of its ordered queue: who may have a message of it, and when.
#include <algorithm>

#include <fmt/format.h>

#include "world.hpp"

namespace millrace::simulation {
namespace {

constexpr const char* name = "ordered";
/// How late a message may be whose time has come.
constexpr std::uint64_t lateness_max = 100;

}  // namespace

bool World::is_out(const std::string& queue, const std::string& id) const {
  return std::any_of(held_.begin(), held_.end(),
                     [&](const Held& held) { return held.id == id && held.queue == queue; });
}

void World::note_ends_of_turns(const Commit& commit, std::size_t number) {
  const auto note = [&](const std::string& id) {
    const auto& key = history_.intended().publication(id).order_key;
    if (!key.empty()) turn_ended_in_[key] = number;
  };
  for (const auto& settling : commit.settlings) {
    if (settling.queue == name) note(settling.id);
  }
  for (const auto& replacing : commit.replacings) {
    note(replacing.id);
    published_in_[replacing.by.id] = number;
    tell("rebound", fmt::format("{} as {} in commit {}", replacing.id, replacing.by.id, number));
  }
}

/// A message that was out goes back to its place, for a later try.
void World::rebound_one() {
  const auto at = std::find_if(held_.begin(), held_.end(), [](const Held& held) { return held.queue == name; });
  if (at == held_.end()) return;
  const auto held = *at;
  held_.erase(at);
  auto again = history_.intended().publication(held.id);
  const auto dot = held.id.find('.');
  const auto tries = dot == std::string::npos ? 0 : std::stoi(held.id.substr(dot + 1));
  again.id = fmt::format("{}.{}", held.id.substr(0, dot), tries + 1);
  again.expires_at = now() + 1 + random(100);
  broker::Batch batch;
  batch.publishes.push_back(message(again, held.place));
  batch.settlements.push_back({held.delivery, broker::Settle::ack});
  Commit commit;
  commit.replacings.push_back({name, held.id, std::move(again)});
  if (random(2) == 0) {
    commit.publications.push_back(make_publication());
    batch.publishes.push_back(message(commit.publications.back()));
  }
  this->commit(std::move(commit), std::move(batch));
}

/// It is the first of its key, none of its key is out, and that the one before it has left is on disk.
void World::check_turn(const std::string& id) {
  const auto& it = history_.intended().publication(id);
  if (it.expires_at > now()) return complain(fmt::format("{} was delivered before its time", id));
  if (it.order_key.empty()) return;
  for (const auto& first : history_.intended().on(name)) {
    if (history_.intended().publication(first).order_key != it.order_key) continue;
    if (first != id) complain(fmt::format("{} was delivered before {}, which has the same key", id, first));
    break;
  }
  const auto ended = turn_ended_in_.find(it.order_key);
  if (ended != turn_ended_in_.end() && !history_.is_confirmed(ended->second))
    complain(fmt::format("{} was delivered before the end of the one before it was durable", id));
}

/// Nothing was to be had: so of each key the first message is out, not durable, or not due, or what was before it may
/// not be durable.
void World::check_nobody_has_a_turn() {
  std::set<std::string> seen;
  for (const auto& id : history_.intended().on(name)) {
    const auto& it = history_.intended().publication(id);
    if (!it.order_key.empty() && !seen.insert(it.order_key).second) continue;
    const auto ended = turn_ended_in_.find(it.order_key);
    const bool settles = ended != turn_ended_in_.end() && !history_.is_confirmed(ended->second);
    const bool waits = is_out(name, id) || strays_.contains(id) || settles || it.expires_at + lateness_max > now() ||
                       !history_.is_confirmed(published_in_.at(id));
    if (!waits) return complain(fmt::format("{} is the first of its key and is not delivered", id));
  }
}

}  // namespace millrace::simulation
