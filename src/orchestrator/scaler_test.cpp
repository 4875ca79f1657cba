#include "orchestrator/scaler.hpp"

#include <doctest/doctest.h>

namespace millrace::orchestrator {
namespace {

using namespace std::chrono_literals;

/// A step whose instances take 20 ms for a message, looked at each second.
struct Step {
  flow::Instances bounds{0, 8, 200};
  ScaleLimits limits = {};
  ScaleMemory memory = {};
  io::SteadyTime now{1h};
  double backlog = 0;
  double arrived = 0;
  double settled = 0;
  int changes = 0;

  void second(double arrivals, bool all_come = true) {
    now += 1s;
    const auto connected = all_come ? memory.wanted : 0;
    const auto done = std::min(backlog + arrivals, connected * 50.0);
    backlog += arrivals - done;
    arrived += arrivals;
    settled += done;
    look(connected);
  }
  void look(std::uint32_t connected) {
    Load load;
    load.messages = static_cast<std::uint64_t>(backlog);
    load.waits = backlog >= 1;
    load.arrived_total = static_cast<std::uint64_t>(arrived);
    load.settled_total = static_cast<std::uint64_t>(settled);
    load.connected = connected;
    const auto before = memory.wanted;
    memory = scale(bounds, load, std::move(memory), now, limits);
    changes += memory.wanted != before ? 1 : 0;
  }
};

TEST_CASE("the first message starts an instance, a backlog as many as it asks for, at once") {
  Step step;
  step.backlog = 1;
  step.look(0);
  CHECK(step.memory.wanted == 1);
  step.backlog = 601;
  step.look(1);
  CHECK(step.memory.wanted == 4);
  step.backlog = 1e6;
  step.look(1);
  CHECK(step.memory.wanted == 8);
}

TEST_CASE("fewer are wanted only when fewer have been enough for a while") {
  Step step;
  step.backlog = 800;
  step.look(0);
  REQUIRE(step.memory.wanted == 4);
  step.backlog = 0;
  for (int i = 0; i < 59; ++i) step.second(0);
  CHECK(step.memory.wanted == 4);
  for (int i = 0; i < 3; ++i) step.second(0);
  CHECK(step.memory.wanted == 0);
}

TEST_CASE("a steady load gets what it needs and keeps it") {
  Step step;
  for (int i = 0; i < 120; ++i) step.second(125);
  CHECK(step.memory.wanted == 3);
  CHECK(step.backlog < 200);
  const auto changes = step.changes;
  for (int i = 0; i < 3'600; ++i) step.second(125);
  CHECK(step.memory.wanted == 3);
  CHECK(step.changes == changes);
}

TEST_CASE("messages that wait too long ask for one more, unless those that are wanted have not come yet") {
  const flow::Instances bounds{1, 8, 1000};
  const io::SteadyTime start{1h};
  const auto aged = [](std::uint32_t connected) {
    Load load;
    load.messages = 50;
    load.oldest_wait = 20s;
    load.connected = connected;
    return load;
  };
  auto memory = scale(bounds, aged(0), {}, start, {});
  CHECK(memory.wanted == 1);
  memory = scale(bounds, aged(0), std::move(memory), start + 30s, {});
  CHECK(memory.wanted == 1);
  memory = scale(bounds, aged(1), std::move(memory), start + 40s, {});
  CHECK(memory.wanted == 2);
  memory = scale(bounds, aged(2), std::move(memory), start + 41s, {});
  CHECK(memory.wanted == 2);
}

TEST_CASE("a step whose target is down needs one instance, not as many as its backlog") {
  Step step;
  Load load;
  load.messages = 100'000;
  load.held = true;
  CHECK(scale(step.bounds, load, {}, step.now, {}).wanted == 1);
}

TEST_CASE("what is wanted stays within the bounds when they change") {
  auto memory = scale({0, 8, 10}, {1'000, true}, {}, io::SteadyTime(1h), {});
  CHECK(memory.wanted == 8);
  memory = scale({0, 3, 10}, {1'000, true}, std::move(memory), io::SteadyTime(2h), {});
  CHECK(memory.wanted == 3);
}

}  // namespace
}  // namespace millrace::orchestrator
