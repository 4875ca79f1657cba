#include "history.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::simulation {

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
  if (scattered) {
    for (const auto& commit : commits_) model.learn(commit);
    model.adopt_dropping(found);
  }
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
        if (uncertain_.contains(publication.message_id)) model.learn_repeat(publication, found);
      }
      for (const auto& publication : commit.publications) {
        if (!publication.message_id.empty()) uncertain_.insert(publication.message_id);
      }
      if (!model.shows(commit, found) && !has_routed(commit, found)) continue;
    }
    model.apply(commit);
    if (scattered) model.adopt_dropping(found);
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
