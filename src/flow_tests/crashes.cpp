#include "flow_tests/crashes.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace millrace::flow_tests {
namespace {

using component::Outcome;

/// How each message ended at each step: what a crash must not change.
class Ends {
 public:
  Ends(const TestedFlow& tested, const Trace& trace) : handled_(trace.handled) {
    for (const auto& one : trace.tries) ends_[{one.step, one.message_id}] = told(tested, one);
    for (const auto& letter : trace.dead_letters) {
      dead_.insert(
          fmt::format("{} of step {} with {}", text(letter, "id"), text(letter, "step"), text(letter, "code")));
    }
  }

  /// What the other run has otherwise than this one, which had no crash.
  std::vector<std::string> differences(const Ends& other) const {
    std::vector<std::string> found;
    for (const auto& [where, end] : ends_) {
      const auto same = other.ends_.find(where);
      const auto message = fmt::format("message {} at step {}", where.second, where.first);
      if (same == other.ends_.end()) {
        found.push_back(fmt::format("{} is lost: without a crash it {}", message, end));
      } else if (same->second != end) {
        found.push_back(fmt::format("{} {}, without a crash it {}", message, same->second, end));
      }
    }
    for (const auto& [where, end] : other.ends_) {
      if (ends_.contains(where)) continue;
      found.push_back(
          fmt::format("message {} comes to step {}, and does not without a crash", where.second, where.first));
    }
    for (const auto& [step, count] : handled_) {
      const auto there = other.handled_.at(step);
      if (there != count)
        found.push_back(fmt::format("step {} handled {} messages, without a crash {}", step, there, count));
    }
    differences(other, found);
    return found;
  }

 private:
  static std::string text(const boost::json::object& object, std::string_view name) {
    return std::string(object.at(name).get_string());
  }

  static std::string told(const TestedFlow& tested, const Try& one) {
    if (!one.end) return "is still in work";
    if (one.end->kind != Outcome::Kind::ok) return fmt::format("ends with {}", one.end->failure.code);
    if (one.end->filtered) return "is filtered";
    // A polling trigger's pages are counted by what comes to the steps after it.
    if (tested.flow.find(one.step)->is_trigger) return "is done";
    return fmt::format("makes {} outputs", one.end->outputs.size());
  }

  void differences(const Ends& other, std::vector<std::string>& found) const {
    for (const auto& letter : dead_) {
      if (!other.dead_.contains(letter)) found.push_back("a dead letter is lost: " + letter);
    }
    for (const auto& letter : other.dead_) {
      if (!dead_.contains(letter)) found.push_back("a dead letter that is none without a crash: " + letter);
    }
    if (dead_.size() != other.dead_.size()) {
      found.push_back(fmt::format("{} dead letters, without a crash {}", other.dead_.size(), dead_.size()));
    }
  }

  std::map<std::pair<std::string, std::string>, std::string> ends_;
  std::map<std::string, std::uint64_t> handled_;
  std::multiset<std::string> dead_;
};

std::string name_of(const Kill& kill) {
  switch (kill.at) {
    case Kill::At::before_commit:
      return fmt::format("before commit {}", kill.number);
    case Kill::At::after_commit:
      return fmt::format("after commit {}", kill.number);
    case Kill::At::call:
      return fmt::format("after call {}", kill.number);
  }
  return {};
}

std::vector<Kill> points_of(const CaseRun& whole) {
  std::vector<Kill> points;
  for (std::uint64_t i = 1; i <= whole.commits; ++i) {
    points.push_back({Kill::At::before_commit, i});
    points.push_back({Kill::At::after_commit, i});
  }
  for (std::uint64_t i = 1; i <= whole.calls; ++i) points.push_back({Kill::At::call, i});
  return points;
}

std::vector<Kill> even_choice(const std::vector<Kill>& all, std::uint64_t count) {
  if (all.size() <= count) return all;
  std::vector<Kill> chosen;
  for (std::uint64_t i = 0; i < count; ++i) chosen.push_back(all[i * all.size() / count]);
  return chosen;
}

/// The repeats of all crashes, each step's together.
class Repeats {
 public:
  explicit Repeats(const TestedFlow& tested) : tested_(tested) {}

  void add(const Trace& trace) {
    std::map<std::pair<std::string, std::string>, const Call*> here;
    for (const auto& call : trace.calls) {
      if (call.repeats && call.has_effect) here.emplace(std::pair(call.step, without_query(call.target)), &call);
    }
    for (const auto& [place, call] : here) {
      auto& repeat = all_[place];
      repeat.step = call->step;
      repeat.function = tested_.flow.find(call->step)->function;
      repeat.mail = call->mail;
      repeat.target = place.second;
      repeat.key = call->key;
      ++repeat.points;
    }
  }

  std::vector<RepeatedCall> list() const {
    std::vector<RepeatedCall> list;
    for (const auto& [place, repeat] : all_) list.push_back(repeat);
    return list;
  }

 private:
  static std::string without_query(const std::string& target) { return target.substr(0, target.find('?')); }

  const TestedFlow& tested_;
  std::map<std::pair<std::string, std::string>, RepeatedCall> all_;
};

}  // namespace

std::vector<Mismatch> changed_by_crash(const TestedFlow& tested, const Case& one, const CaseRun& whole,
                                       const Trace& crashed) {
  auto changed = judge(one, crashed, Judging::after_crash);
  if (!crashed.broken.empty()) return changed;
  for (auto& difference : Ends(tested, whole.trace).differences(Ends(tested, crashed))) {
    changed.push_back({one.offset, one.path, std::move(difference)});
  }
  return changed;
}

CrashReport crash_everywhere(const TestedFlow& tested, const Case& one, const CaseRun& whole,
                             std::uint64_t points_max) {
  CrashReport report;
  report.commits = whole.commits;
  report.calls = whole.calls;
  const auto all = points_of(whole);
  const auto points = even_choice(all, points_max);
  report.points = points.size();
  report.points_left = all.size() - points.size();
  Repeats repeats(tested);
  for (const auto& kill : points) {
    const auto crashed = run_case(tested, one, kill);
    WrongOutcome wrong{name_of(kill), changed_by_crash(tested, one, whole, crashed.trace)};
    if (!wrong.what.empty()) report.wrong.push_back(std::move(wrong));
    if (crashed.trace.lost_answers > 0) ++report.lost_answers;
    repeats.add(crashed.trace);
  }
  report.repeats = repeats.list();
  return report;
}

}  // namespace millrace::flow_tests
