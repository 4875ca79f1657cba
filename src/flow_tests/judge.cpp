#include "flow_tests/judge.hpp"

#include <algorithm>
#include <set>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/config.hpp"

namespace millrace::flow_tests {
namespace json = boost::json;

namespace {

using Things = std::vector<json::object>;

Things inputs_of(const Trace& trace, const std::string& step) {
  Things inputs;
  std::set<std::string> seen;
  for (const auto& one : trace.tries) {
    if (one.step == step && one.input && seen.insert(one.message_id).second) inputs.push_back(*one.input);
  }
  return inputs;
}

Things outputs_of(const Trace& trace, const std::string& step) {
  Things outputs;
  for (const auto& one : trace.tries) {
    if (one.step != step || !one.end || one.end->kind != component::Outcome::Kind::ok) continue;
    outputs.insert(outputs.end(), one.end->outputs.begin(), one.end->outputs.end());
  }
  return outputs;
}

Things calls_of(const Trace& trace, const std::string& step, bool mails) {
  Things calls;
  for (const auto& call : trace.calls) {
    if (call.step == step && call.mail == mails && !call.repeats) calls.push_back(call.request);
  }
  return calls;
}

Things dead_letters_of(const Trace& trace, const std::string& step) {
  Things letters;
  for (const auto& letter : trace.dead_letters) {
    if (letter.at("step").get_string() == step) letters.push_back(letter);
  }
  return letters;
}

std::size_t filtered_by(const Trace& trace, const std::string& step) {
  return static_cast<std::size_t>(std::ranges::count_if(
      trace.tries, [&](const Try& one) { return one.step == step && one.end && one.end->filtered; }));
}

std::size_t attempts_of(const Trace& trace, const std::string& step) {
  return static_cast<std::size_t>(
      std::ranges::count_if(trace.tries, [&](const Try& one) { return one.step == step && one.input; }));
}

json::array array_of(const Things& things) {
  return json::array(things.begin(), things.end());
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class Judge {
 public:
  Judge(const Case& one, const Trace& trace, Judging judging) : case_(one), trace_(trace), judging_(judging) {}

  std::vector<Mismatch> verdict() {
    if (!trace_.broken.empty()) return {{case_.offset, case_.path, trace_.broken}};
    const auto& expect = case_.expect;
    if (expect.answers && is_all()) list(*expect.answers, trace_.answers, "answer");
    for (const auto& step : expect.steps) judge(step);
    if (expect.dead_letters) list(*expect.dead_letters, trace_.dead_letters, "dead letter");
    if (expect.elapsed && is_all()) judge(*expect.elapsed);
    if (expect.that && is_all()) condition(*expect.that, as_json(trace_));
    unexpected_dead_letters();
    return std::move(found_);
  }

 private:
  bool is_all() const { return judging_ == Judging::all; }

  void judge(const ExpectedStep& expected) {
    const auto& step = expected.step;
    if (expected.inputs) list(*expected.inputs, inputs_of(trace_, step), "input");
    if (expected.outputs) list(*expected.outputs, outputs_of(trace_, step), "output");
    if (expected.requests) list(*expected.requests, calls_of(trace_, step, false), "request");
    if (expected.mails) list(*expected.mails, calls_of(trace_, step, true), "mail");
    if (expected.dead_letters) list(*expected.dead_letters, dead_letters_of(trace_, step), "dead letter");
    if (expected.filtered) count(*expected.filtered, filtered_by(trace_, step), "filtered message");
    if (expected.attempts && is_all()) count(*expected.attempts, attempts_of(trace_, step), "attempt");
    if (expected.that && is_all()) condition(*expected.that, as_json(trace_, step));
    if (!expected.snapshot) return;
    json::object thing;
    if (const auto known = trace_.snapshots.find(step); known != trace_.snapshots.end()) {
      thing["snapshot"] = known->second;
    }
    append(mismatches(*expected.snapshot, thing));
  }

  void count(const ExpectedList& expected, std::size_t got, std::string_view what) {
    if (got == expected.count) return;
    found_.push_back(
        {expected.offset, expected.path, fmt::format("expected {}, got {}", counted(expected.count, what), got)});
  }

  void list(const ExpectedList& expected, const Things& got, std::string_view what) {
    if (got.size() != expected.count) {
      auto message = fmt::format("expected {}, got {}", counted(expected.count, what), got.size());
      if (!got.empty()) message += ": " + shown(array_of(got));
      found_.push_back({expected.offset, expected.path, std::move(message)});
    }
    if (!expected.items) return;
    const auto both = std::min(got.size(), expected.items->size());
    for (std::size_t i = 0; i < both; ++i) append(mismatches((*expected.items)[i], got[i]));
  }

  void judge(const ExpectedElapsed& expected) {
    if (trace_.elapsed >= expected.min && trace_.elapsed <= expected.max) return;
    const auto text = [](milliseconds span) { return component::duration_text(span); };
    std::string wanted = expected.min == expected.max ? text(expected.min) : "at least " + text(expected.min);
    if (expected.min != expected.max && expected.max != milliseconds::max()) {
      wanted = expected.min.count() == 0 ? "at most " + text(expected.max)
                                         : text(expected.min) + " to " + text(expected.max);
    }
    found_.push_back(
        {expected.offset, expected.path, fmt::format("expected {}, but it took {}", wanted, text(trace_.elapsed))});
  }

  void condition(const Condition& wanted, const json::object& thing) {
    if (auto wrong = mismatch(wanted, thing)) found_.push_back(std::move(*wrong));
  }

  void unexpected_dead_letters() {
    if (case_.expect.dead_letters) return;
    for (const auto& letter : trace_.dead_letters) {
      const auto is_of = [&](const ExpectedStep& step) {
        return step.dead_letters && letter.at("step").get_string() == step.step;
      };
      if (std::ranges::any_of(case_.expect.steps, is_of)) continue;
      found_.push_back({case_.offset, case_.path + ".expect.dead_letters",
                        fmt::format("a dead letter that is not expected: {}", shown(letter))});
    }
  }

  void append(std::vector<Mismatch> more) {
    found_.insert(found_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }

  const Case& case_;
  const Trace& trace_;
  Judging judging_;
  std::vector<Mismatch> found_;
};

}  // namespace

json::object as_json(const Trace& trace, const std::string& step) {
  json::object it{{"inputs", array_of(inputs_of(trace, step))},
                  {"outputs", array_of(outputs_of(trace, step))},
                  {"filtered", filtered_by(trace, step)},
                  {"attempts", attempts_of(trace, step)},
                  {"requests", array_of(calls_of(trace, step, false))},
                  {"mails", array_of(calls_of(trace, step, true))},
                  {"dead_letters", array_of(dead_letters_of(trace, step))}};
  if (const auto known = trace.snapshots.find(step); known != trace.snapshots.end()) it["snapshot"] = known->second;
  return it;
}

json::object as_json(const Trace& trace) {
  json::object steps;
  std::set<std::string> names;
  for (const auto& one : trace.tries) names.insert(one.step);
  for (const auto& letter : trace.dead_letters) names.emplace(letter.at("step").get_string());
  for (const auto& name : names) steps[name] = as_json(trace, name);
  return {{"answers", array_of(trace.answers)},
          {"steps", std::move(steps)},
          {"dead_letters", array_of(trace.dead_letters)},
          {"elapsed_ms", trace.elapsed.count()}};
}

std::vector<Mismatch> judge(const Case& one, const Trace& trace, Judging judging) {
  return Judge(one, trace, judging).verdict();
}

}  // namespace millrace::flow_tests
