#include "deployment/target_state.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace millrace::deployment {
namespace {

using namespace std::chrono_literals;
using Mode = TargetState::Mode;
using Gate = broker::Gate;

HealthReport failing(std::initializer_list<const char*> ids,
                     std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  HealthReport report;
  for (const auto* id : ids) report.failed.push_back({id, "http.status: 503", retry_after, false});
  return report;
}

HealthReport passing(std::uint64_t count) {
  return {count, {}};
}

/// Parked at `now`.
TargetState parked(io::SteadyTime now) {
  TargetState state;
  state.heard(failing({"a", "b", "c", "d", "e"}), now);
  return state;
}

const io::SteadyTime start{1h};

TEST_CASE("five messages that fail in a row park a step; fewer, or the same one again, do not") {
  TargetState state;
  for (int i = 0; i < 20; ++i) state.heard(failing({"a"}), start);
  state.heard(failing({"b", "c", "d"}), start);
  CHECK(state.mode() == Mode::open);
  state.heard(passing(1), start);
  state.heard(failing({"e", "f", "g", "h"}), start);
  CHECK(state.mode() == Mode::open);
  state.heard(failing({"i"}), start);
  CHECK(state.mode() == Mode::parked);
  CHECK(state.gate().credit == 0);
  CHECK(state.reason() == "http.status: 503");
  CHECK(state.since() == start);
}

TEST_CASE("messages that have had their last try do not park a step: each had it by itself") {
  TargetState state;
  for (const auto* id : {"a", "b", "c", "d", "e", "f", "g"}) {
    state.heard(failing({id}), start);
    auto last = failing({id});
    last.failed.front().dead = true;
    state.heard(last, start);
  }
  CHECK(state.mode() == Mode::open);
}

TEST_CASE("a parked step is probed with one message at a time, less and less often") {
  auto state = parked(start);
  auto now = start;
  int probes = 0;
  for (; now < start + 10min; now += 50ms) {
    if (!state.look({500, 0, 100, state.gate().credit}, now)) continue;
    ++probes;
    CHECK(state.gate().credit == 1);
    CHECK(state.gate().probing);
    state.heard(failing({"x"}), now);
    CHECK(state.gate().credit == 0);
  }
  CHECK(probes == 23);  // after 1, 2, 4, 8, 16 and 30 s, then each 30 s
  CHECK(state.mode() == Mode::parked);
  CHECK(state.probes() == 23);
}

TEST_CASE("what was in work when the step was parked is no probe that has failed") {
  auto state = parked(start);
  for (int i = 0; i < 30; ++i) state.heard(failing({"straggler"}), start + 10ms);
  CHECK(state.until() == start + 1s);
}

TEST_CASE("a probe that nothing was heard of is followed by another") {
  auto state = parked(start);
  REQUIRE(state.look({500, 0, 100, 0}, start + 1s));
  CHECK_FALSE(state.look({500, 1, 100, 0}, start + 5s));
  CHECK_FALSE(state.look({500, 0, 100, 1}, start + 6s));
  CHECK(state.look({499, 0, 101, 0}, start + 7s));
}

TEST_CASE("once a probe gets through, more and more go out until nothing is held") {
  auto state = parked(start);
  REQUIRE(state.look({500, 0, 100, 0}, start + 1s));
  state.heard(passing(1), start + 1s);
  CHECK(state.mode() == Mode::draining);
  CHECK(state.gate().out_max == 2);
  std::uint64_t settled = 100;
  int looks = 0;
  for (auto now = start + 1s; state.mode() != Mode::open; now += 50ms, ++looks) {
    REQUIRE(looks < 100);
    settled += state.gate().out_max;
    (void)state.look({500, 2, settled, Gate::unlimited}, now);
  }
  CHECK(state.gate().out_max == Gate::unlimited);
  CHECK_FALSE(state.gate().probing);
}

TEST_CASE("a target that goes down again while the step drains parks it at once, for longer") {
  auto state = parked(start);
  (void)state.look({500, 0, 100, 0}, start + 1s);
  state.heard(passing(1), start + 1s);
  state.heard(failing({"a", "b"}), start + 2s);
  CHECK(state.mode() == Mode::parked);
  CHECK(state.until() == start + 4s);
  CHECK(state.since() == start);
}

/// A target that takes so many in each second and answers the next one with Retry-After: 1. What it saw.
struct Seen {
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
};
Seen play(std::uint64_t limit, std::chrono::seconds span) {
  TargetState state;
  Seen seen;
  std::uint64_t in_this_second = 0;
  Gate gate = state.gate();
  for (auto now = start; now < start + span; now += 50ms) {
    if ((now - start) % 1s == 0s) in_this_second = 0;
    if (state.look({100'000, 0, seen.taken, gate.credit}, now)) gate = state.gate();
    HealthReport report;
    for (int i = 0; i < 16 && gate.credit > 0; ++i) {
      if (gate.credit != Gate::unlimited) --gate.credit;
      if (in_this_second < limit) {
        ++in_this_second;
        ++seen.taken;
        ++report.ok;
      } else {
        ++seen.refused;
        report.failed.push_back({fmt::format("{}", seen.refused), "http.status: 429", 1s, false});
      }
    }
    if (report.ok + report.failed.size() == 0) continue;
    state.heard(report, now);
    if (state.mode() != Mode::open) gate = state.gate();
  }
  return seen;
}

TEST_CASE("a target that says when to come again is not asked earlier, and its pace is learned") {
  TargetState state;
  state.heard(passing(20), start);
  state.heard(failing({"a"}, 10s), start);
  CHECK(state.mode() == Mode::throttled);
  CHECK_FALSE(state.look({500, 0, 20, 0}, start + 9s));
  CHECK(state.gate().credit == 0);
  for (const std::uint64_t limit : {5, 20, 100}) {
    CAPTURE(limit);
    const auto seen = play(limit, 120s);
    CHECK(seen.taken > limit * 120 / 2);
    CHECK(seen.refused < seen.taken / 5);
  }
}

TEST_CASE("reports are read, and what is none is no report") {
  const auto report = HealthReport::parse(R"({"ok":3,"failed":[{"id":"a","reason":"r","retry_after_ms":90}]})");
  REQUIRE(report);
  CHECK(report->ok == 3);
  CHECK(report->failed.at(0).retry_after == 90ms);
  for (const auto* text : {"", "[]", "{}", R"({"ok":-1,"failed":[]})", R"({"failed":[1]})"}) {
    CHECK_FALSE(HealthReport::parse(text));
  }
}

}  // namespace
}  // namespace millrace::deployment
