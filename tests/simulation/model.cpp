#include "model.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace millrace::simulation {
namespace {

constexpr const char* returned = "returned";

bool is_pooled(const QueueRules& rules) {
  return rules.is_pool || rules.name == returned;
}

}  // namespace

bool lies(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool lies_anywhere(const Content& found, const std::string& id) {
  return std::any_of(found.begin(), found.end(), [&](const auto& queue) { return lies(queue.second, id); });
}

void Model::apply(const Commit& commit) {
  if (commit.declares) queues_[commit.declares->name].rules = *commit.declares;
  if (commit.binds) bindings_.insert(*commit.binds);
  if (commit.purges) purge(*commit.purges);
  for (const auto& publication : commit.publications) publish(publication, true);
  for (const auto& replacing : commit.replacings) {
    publications_[replacing.by.id] = replacing.by;
    auto& ids = queues_.at(replacing.queue).ids;
    std::replace(ids.begin(), ids.end(), replacing.id, replacing.by.id);
  }
  for (const auto& settling : commit.settlings) {
    auto& queue = queues_.at(settling.queue);
    if (is_pooled(queue.rules)) {
      pool_.erase(settling.id);
      continue;
    }
    const auto found = std::find(queue.ids.begin(), queue.ids.end(), settling.id);
    if (found != queue.ids.end()) queue.ids.erase(found);
    if (!settling.rejected || queue.rules.dead_letter_key.empty()) continue;
    auto letter = publications_[settling.id];
    letter.key = queue.rules.dead_letter_key;
    publish(letter, false);
  }
}

void Model::publish(const Publication& publication, bool by_client) {
  publications_[publication.id] = publication;
  for (auto& [name, queue] : queues_) {
    if (!bindings_.contains({publication.key, name})) continue;
    if (by_client && queue.rules.drops_repeats && !publication.message_id.empty() &&
        !queue.seen.insert(publication.message_id).second) {
      continue;
    }
    if (is_pooled(queue.rules)) {
      pool_[publication.id] = publication.expires_at;
      continue;
    }
    lay_in(queue, publication);
  }
}

void Model::learn(const Commit& commit) {
  for (const auto& publication : commit.publications) publications_[publication.id] = publication;
  for (const auto& replacing : commit.replacings) publications_[replacing.by.id] = replacing.by;
}

void Model::lay_in(Queue& queue, const Publication& publication) const {
  auto& ids = queue.ids;
  if (queue.rules.keeps_only_the_last) ids.clear();
  auto place = ids.end();
  if (queue.rules.ranks) {
    place = std::find_if(ids.begin(), ids.end(),
                         [&](const auto& id) { return publications_.at(id).priority < publication.priority; });
  }
  ids.insert(place, publication.id);
  if (queue.rules.bytes_max == 0) return;
  std::uint64_t bytes = 0;
  for (const auto& id : ids) bytes += publications_.at(id).size;
  for (; bytes > queue.rules.bytes_max; ids.erase(ids.begin())) bytes -= publications_.at(ids.front()).size;
}

void Model::purge(const Purge& purge) {
  std::erase_if(queues_.at(purge.queue).ids, [&](const auto& id) { return !purge.except.contains(id); });
}

std::optional<std::string> Model::difference(const Content& found, std::uint64_t now, std::uint64_t late_from) const {
  for (const auto& [name, ids] : found) {
    if (!queues_.contains(name)) return fmt::format("the queue {} was never declared", name);
  }
  for (const auto& [name, queue] : queues_) {
    const auto have = found.find(name);
    if (have == found.end()) return fmt::format("the queue {} is missing", name);
    if (is_pooled(queue.rules)) continue;
    if (have->second != queue.ids) {
      return fmt::format("on {} lie [{}], expected [{}]", name, fmt::join(have->second, " "),
                         fmt::join(queue.ids, " "));
    }
  }
  return difference_of_pool(found, now, late_from);
}

std::optional<std::string> Model::difference_of_pool(const Content& found, std::uint64_t now,
                                                     std::uint64_t late_from) const {
  std::set<std::string> seen;
  for (const auto& [name, queue] : queues_) {
    if (!is_pooled(queue.rules)) continue;
    for (const auto& id : found.at(name)) {
      if (!seen.insert(id).second) return fmt::format("{} is there twice: delayed and returned", id);
      const auto expected = pool_.find(id);
      if (expected == pool_.end()) return fmt::format("{} lies on {} and should not", id, name);
      if (name == returned && expected->second > now) return fmt::format("{} has returned too early", id);
      if (name != returned && expected->second + 1000 < late_from)
        return fmt::format("{} has not returned in time", id);
    }
  }
  for (const auto& [id, expires_at] : pool_) {
    if (!seen.contains(id)) return fmt::format("{} is missing: neither delayed nor returned", id);
  }
  return std::nullopt;
}

void Model::adopt_dropping(const Content& found) {
  for (auto& [name, queue] : queues_) {
    if (queue.rules.bytes_max != 0 && found.contains(name)) queue.ids = found.at(name);
  }
}

void Model::learn_repeat(const Publication& publication, const Content& found) {
  for (auto& [name, queue] : queues_) {
    if (!queue.rules.drops_repeats || !bindings_.contains({publication.key, name})) continue;
    const auto ids = found.find(name);
    if (ids == found.end() || !lies(ids->second, publication.id)) queue.seen.insert(publication.message_id);
  }
}

bool Model::shows(const Commit& commit, const Content& found) const {
  if (commit.declares && found.contains(commit.declares->name)) return true;
  for (const auto& publication : commit.publications) {
    if (lies_anywhere(found, publication.id)) return true;
  }
  for (const auto& replacing : commit.replacings) {
    if (lies_anywhere(found, replacing.by.id)) return true;
  }
  if (commit.purges) {
    const auto& [name, except] = *commit.purges;
    const auto queue = found.find(name);
    const auto gone = [&](const auto& id) {
      return !except.contains(id) && (queue == found.end() || !lies(queue->second, id));
    };
    const auto& ids = queues_.at(name).ids;
    if (std::any_of(ids.begin(), ids.end(), gone)) return true;
  }
  for (const auto& settling : commit.settlings) {
    if (!holds(settling.queue, settling.id)) continue;
    const auto queue = found.find(settling.queue);
    if (queue == found.end() || !lies(queue->second, settling.id)) return true;
  }
  return false;
}

bool Model::holds(const std::string& queue, const std::string& id) const {
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return false;
  if (is_pooled(found->second.rules)) return pool_.contains(id);
  return std::find(found->second.ids.begin(), found->second.ids.end(), id) != found->second.ids.end();
}

std::size_t Model::messages() const {
  auto count = pool_.size();
  for (const auto& [name, queue] : queues_) count += queue.ids.size();
  return count;
}

}  // namespace millrace::simulation
