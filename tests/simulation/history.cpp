#include "history.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace millrace::simulation {
namespace {

constexpr const char* returned = "returned";

bool is_pooled(const QueueRules& rules) {
  return rules.is_pool || rules.name == returned;
}

bool lies(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool lies_anywhere(const Content& found, const std::string& id) {
  return std::any_of(found.begin(), found.end(), [&](const auto& queue) { return lies(queue.second, id); });
}

}  // namespace

void Model::apply(const Commit& commit) {
  if (commit.declares) queues_[commit.declares->name].rules = *commit.declares;
  if (commit.binds) bindings_.insert(*commit.binds);
  for (const auto& publication : commit.publications) publish(publication, true);
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
    if (queue.rules.keeps_only_the_last) queue.ids.clear();
    queue.ids.push_back(publication.id);
  }
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

bool Model::shows(const Commit& commit, const Content& found) const {
  if (commit.declares && found.contains(commit.declares->name)) return true;
  for (const auto& publication : commit.publications) {
    if (lies_anywhere(found, publication.id)) return true;
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

std::size_t History::add(Commit commit) {
  intended_.apply(commit);
  commits_.push_back(std::move(commit));
  return size() - 1;
}

std::optional<std::string> History::confirm(std::size_t number) {
  if (number < confirmed_) return fmt::format("commit {} was confirmed after a later one, or twice", number);
  confirmed_ = number + 1;
  return std::nullopt;
}

bool History::has_routed(const Commit& commit, const Content& found) const {
  if (!commit.binds) return false;
  const auto& [key, queue] = *commit.binds;
  const auto ids = found.find(queue);
  if (ids == found.end()) return false;
  return std::any_of(commits_.begin(), commits_.end(), [&](const Commit& other) {
    return std::any_of(other.publications.begin(), other.publications.end(),
                       [&](const Publication& it) { return it.key == key && lies(ids->second, it.id); });
  });
}

std::optional<std::string> History::recovered(const Content& found, std::uint64_t now, std::uint64_t late_from,
                                              bool scattered) {
  Model model = base_;
  std::size_t done = 0;
  while (first_ + done < confirmed_) model.apply(commits_[done++]);
  const auto at_least = model.difference(found, now, late_from);
  auto difference = at_least;
  while (difference && done < commits_.size()) {
    auto commit = commits_[done++];
    if (scattered) {
      // It may have been dropped as the repeat of one that was lost.
      std::erase_if(commit.publications, [&](const Publication& it) {
        return uncertain_.contains(it.message_id) && !lies_anywhere(found, it.id);
      });
      for (const auto& publication : commit.publications) {
        if (!publication.message_id.empty()) uncertain_.insert(publication.message_id);
      }
      if (!model.shows(commit, found) && !has_routed(commit, found)) continue;
    }
    model.apply(commit);
    difference = model.difference(found, now, late_from);
  }
  if (difference) {
    return fmt::format("the {} commits, of which {} were confirmed, do not make what is there: {}; after them: {}",
                       size(), confirmed_, *at_least, *difference);
  }
  first_ += done;
  confirmed_ = first_;
  commits_.clear();
  base_ = model;
  intended_ = model;
  return std::nullopt;
}

}  // namespace millrace::simulation
