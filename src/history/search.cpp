#include "history/search.hpp"

#include <algorithm>
#include <unordered_set>

namespace millrace::history {
namespace {

using Kind = Record::Kind;

/// Entries that one look goes through, and executions that it weighs: together well under a second.
constexpr std::size_t entries_max = 4'000'000;
constexpr std::size_t weighed_max = 20'000;

bool holds(std::string_view text, const std::string& lower) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

std::string lowered(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

class Search {
 public:
  Search(History& history, Query query, Order order) : history_(history), query_(std::move(query)), order_(order) {
    query_.error = lowered(query_.error);
  }

  Found run(std::optional<Position> from, std::size_t limit) {
    const bool down = order_ == Order::newest_first;
    auto segments = history_.segments();
    if (down) std::ranges::reverse(segments);
    for (const auto segment : segments) {
      if (from && (down ? segment > from->segment : segment < from->segment)) continue;
      const auto index = history_.index(segment);
      if (!index) continue;
      const auto count = static_cast<std::uint32_t>(index->entries().size());
      const bool goes_on = from && from->segment == segment;
      std::uint32_t skipped = 0;
      if (goes_on) skipped = down ? count - std::min(count, from->entry + 1) : from->entry;
      for (std::uint32_t i = skipped; i < count; ++i) {
        const Position at{segment, down ? count - 1 - i : i};
        if (full(limit)) {
          found_.next = at;
          return std::move(found_);
        }
        weigh(*index, at);
      }
    }
    return std::move(found_);
  }

 private:
  bool full(std::size_t limit) {
    return found_.executions.size() >= limit || ++looked_at_ > entries_max || weighed_ > weighed_max;
  }

  /// Whether an execution can be found by this entry.
  bool is_candidate(const Source& source, const Entry& entry) const {
    if (!query_.flow.empty() && source.flow != query_.flow) return false;
    if (query_.version != 0 && source.version != query_.version) return false;
    if (!query_.step.empty() && source.step != query_.step) return false;
    if (asks_for_failure_) return query_.error.empty() ? entry.kind == Kind::failed : entry.is_failure();
    if (!query_.step.empty()) return true;
    return entry.kind == Kind::began || !entry.is(Entry::whole);
  }

  bool in_time(std::int64_t at) const { return at >= query_.since && (query_.until == 0 || at < query_.until); }

  void weigh(const SegmentIndex& index, Position at) {
    const auto& entry = index.entries()[at.entry];
    if (!in_time(entry.at) || !is_candidate(index.source(entry), entry)) return;
    if (!seen_.insert(entry.execution).second) return;
    ++weighed_;
    Account account;
    std::optional<Position> first;
    for (const auto& [place, other] : history_.find(entry.execution)) {
      account.add(other);
      if (!in_time(other.at)) continue;
      const auto known = history_.index(place.segment);
      if (!known || !is_candidate(known->source(other), other)) continue;
      const bool sooner = !first || (order_ == Order::newest_first ? place > *first : place < *first);
      if (sooner) first = place;
    }
    const bool by_beginning = query_.step.empty() && !asks_for_failure_;
    if (by_beginning && account.has_began ? entry.kind != Kind::began : first != at) return;
    const auto& states = query_.states;
    if (!states.empty() && std::ranges::find(states, account.state()) == states.end()) return;
    const auto stored = history_.read(at);
    if (!stored) return;
    auto execution = load(history_, stored->record.execution);
    if (!execution || !tells(*execution)) return;
    found_.executions.push_back(std::move(*execution));
    found_.places.push_back(at);
  }

  /// Whether a failure's text is what is asked for.
  bool tells(const Execution& execution) const {
    if (query_.error.empty()) return true;
    return std::ranges::any_of(execution.records, [&](const Stored& stored) {
      const bool there = query_.step.empty() || stored.source.step == query_.step;
      return there && (holds(stored.record.code, query_.error) || holds(stored.record.error, query_.error));
    });
  }

  History& history_;
  Query query_;
  Order order_;
  const bool asks_for_failure_ = query_.states == std::vector{State::failed} || !query_.error.empty();
  Found found_;
  std::unordered_set<std::uint64_t> seen_;  ///< executions that were weighed
  std::size_t looked_at_ = 0;
  std::size_t weighed_ = 0;
};

}  // namespace

Found search(History& history, const Query& query, Order order, std::optional<Position> from, std::size_t limit) {
  return Search(history, query, order).run(from, limit);
}

}  // namespace millrace::history
