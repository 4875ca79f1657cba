#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/nearest.hpp"
#include "flow/draft.hpp"

namespace millrace::flow {
namespace {

using ById = std::map<std::string, const Draft*, std::less<>>;

ById check_ids(Reading& reading, const std::vector<Draft>& drafts) {
  ById by_id;
  for (const Draft& draft : drafts) {
    if (draft.step.id.empty()) continue;
    const auto [first, added] = by_id.emplace(draft.step.id, &draft);
    if (added) continue;
    reading.problem(draft.id_offset, join(draft.path, "id"),
                    fmt::format("\"{}\" is already the id of the step in line {}", draft.step.id,
                                reading.source().position(first->second->id_offset).line),
                    "give one of them another id");
  }
  return by_id;
}

void check_triggers(Reading& reading, const Node& flow, const std::vector<Draft>& drafts) {
  const Draft* first = nullptr;
  for (const Draft& draft : drafts) {
    if (!draft.step.is_trigger) continue;
    if (first == nullptr) {
      first = &draft;
      continue;
    }
    reading.problem(*draft.node->find("trigger"), join(draft.path, "trigger"),
                    fmt::format("a second trigger; the flow already begins with \"{}\" in line {}", first->step.id,
                                first->step.at.line),
                    "a flow has one trigger: make a second flow of it");
  }
  const Node* steps = flow.find("steps");
  if (first == nullptr) {
    reading.problem(*steps, "steps", "the flow has no trigger",
                    "let its first step have \"trigger: COMPONENT.FUNCTION\"");
  } else if (drafts.size() == 1) {
    reading.problem(*steps, "steps", "the flow has no action",
                    fmt::format("add a step with \"action\" and \"after: {}\"", first->step.id));
  }
}

/// False if a reference leads nowhere.
bool check_references(Reading& reading, const Draft& draft, const ById& by_id) {
  bool sound = draft.sound;
  for (std::size_t i = 0; i < draft.after.size(); ++i) {
    const Draft::Reference& reference = draft.after[i];
    const bool in_list = draft.node->find("after")->kind == Node::Kind::list;
    const std::string path = join(draft.path, in_list ? fmt::format("after[{}]", i) : "after");
    if (by_id.contains(reference.id)) continue;
    sound = false;
    std::vector<std::string> ids;
    for (const auto& [id, other] : by_id) {
      if (other != &draft) ids.push_back(id);
    }
    reading.problem(reference.offset, path, fmt::format("there is no step \"{}\"", reference.id),
                    suggestion(reference.id, ids));
  }
  return sound;
}

/// Depth-first search against the direction of the messages. It recurses at most as deep as a flow has steps.
class CycleSearch {
 public:
  CycleSearch(Reading& reading, const ById& by_id) : reading_(reading), by_id_(by_id) {}

  void visit(const Draft& draft) {
    State& state = states_[draft.step.id];
    if (state == State::done) return;
    if (state == State::open) return report(draft);
    state = State::open;
    trail_.push_back(&draft);
    for (const Draft::Reference& reference : draft.after) {
      const auto before = by_id_.find(reference.id);
      if (before != by_id_.end()) visit(*before->second);
    }
    trail_.pop_back();
    states_[draft.step.id] = State::done;
  }

  /// Ids of steps that are part of a reported cycle.
  const std::set<std::string>& members() const { return members_; }

 private:
  enum class State { unseen, open, done };

  void report(const Draft& draft) {
    const auto begin = std::find(trail_.begin(), trail_.end(), &draft);
    std::vector<const Draft*> cycle(begin, trail_.end());
    const auto top = std::min_element(cycle.begin(), cycle.end(),
                                      [](const Draft* a, const Draft* b) { return a->id_offset < b->id_offset; });
    std::rotate(cycle.begin(), top, cycle.end());
    const Draft& shown = *cycle.front();
    std::string names = shown.step.id;
    for (auto next = cycle.rbegin(); next != cycle.rend(); ++next) names += " → " + (*next)->step.id;
    for (const Draft* member : cycle) members_.insert(member->step.id);
    const auto back = std::find_if(shown.after.begin(), shown.after.end(), [&](const Draft::Reference& reference) {
      return reference.id == cycle[1 % cycle.size()]->step.id;
    });
    reading_.problem(back->offset, join(shown.path, "after"), "messages would run in a circle: " + names,
                     "take one of these steps out of the other's \"after\"");
  }

  Reading& reading_;
  const ById& by_id_;
  std::map<std::string, State> states_;
  std::vector<const Draft*> trail_;
  std::set<std::string> members_;
};

/// Ids that messages of the flow's triggers come to, or that cannot be judged because something before them is wrong.
std::set<std::string> reachable(const std::vector<Draft>& drafts, std::set<std::string> from) {
  bool grown = true;
  while (grown) {
    grown = false;
    for (const Draft& draft : drafts) {
      if (from.contains(draft.step.id)) continue;
      const bool fed = std::any_of(draft.after.begin(), draft.after.end(),
                                   [&](const Draft::Reference& reference) { return from.contains(reference.id); });
      if (fed) grown = from.insert(draft.step.id).second;
    }
  }
  return from;
}

}  // namespace

void check_graph(Reading& reading, const Node& flow, const std::vector<Draft>& drafts) {
  const ById by_id = check_ids(reading, drafts);
  check_triggers(reading, flow, drafts);
  std::set<std::string> begin;
  for (const Draft& draft : drafts) {
    const bool sound = check_references(reading, draft, by_id);
    if (draft.step.is_trigger || !sound) begin.insert(draft.step.id);
  }
  CycleSearch search(reading, by_id);
  for (const auto& [id, draft] : by_id) search.visit(*draft);
  const bool triggered =
      std::any_of(drafts.begin(), drafts.end(), [](const Draft& draft) { return draft.step.is_trigger; });
  if (!triggered) return;
  const std::set<std::string> reached = reachable(drafts, begin);
  for (const Draft& draft : drafts) {
    if (draft.step.id.empty() || reached.contains(draft.step.id) || search.members().contains(draft.step.id)) continue;
    reading.problem(draft.id_offset, draft.path, fmt::format("no message can reach the step \"{}\"", draft.step.id),
                    "let its \"after\" lead back to the trigger");
  }
}

}  // namespace millrace::flow
