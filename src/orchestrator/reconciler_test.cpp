#include "orchestrator/reconciler.hpp"

#include <doctest/doctest.h>

using namespace millrace;
using namespace millrace::orchestrator;
using namespace std::chrono_literals;
using Kind = Decision::Kind;

namespace {

const io::SteadyTime start_of_time{};
const Limits limits{600s, 30s, 10s, 5s};

Actual actual(const std::string& name, Phase phase, std::chrono::seconds since = 0s, bool admitted = true) {
  return {name, phase, start_of_time + since, start_of_time + since, admitted};
}

std::vector<Decision> decide(const std::set<std::string>& desired, const std::vector<Actual>& workers,
                             std::chrono::seconds now) {
  return reconcile(desired, workers, start_of_time + now, limits).decisions;
}

}  // namespace

TEST_CASE("what is desired and missing is started, what runs and is not desired is terminated") {
  CHECK(decide({"a", "b"}, {actual("b", Phase::running), actual("c", Phase::running)}, 1s) ==
        std::vector<Decision>{{Kind::terminate, "c"}, {Kind::start, "a"}});
}

TEST_CASE("a worker is started again only when its backoff is over and its old user has been retired") {
  auto ended = actual("a", Phase::waiting, 5s);
  ended.next_start = start_of_time + 7s;
  CHECK(decide({"a"}, {ended}, 6s) == std::vector<Decision>{{Kind::retire, "a"}});
  ended.admitted = false;
  const auto early = reconcile({"a"}, {ended}, start_of_time + 6s, limits);
  CHECK(early.decisions.empty());
  CHECK(early.look_again == start_of_time + 7s);
  CHECK(decide({"a"}, {ended}, 7s) == std::vector<Decision>{{Kind::start, "a"}});
  ended.admitted = true;
  CHECK(decide({"a"}, {ended}, 7s) == std::vector<Decision>{{Kind::retire, "a"}, {Kind::start, "a"}});
}

TEST_CASE("a worker that does not connect in time is cut off and killed; one that has connected may take its time") {
  CHECK(decide({"a"}, {actual("a", Phase::starting)}, 29s).empty());
  CHECK(decide({"a"}, {actual("a", Phase::starting)}, 30s) ==
        std::vector<Decision>{{Kind::retire, "a"}, {Kind::kill, "a"}});
  CHECK(decide({"a"}, {actual("a", Phase::running)}, 3000s).empty());
}

TEST_CASE("a worker that has lost its connection and does not end is cut off and killed") {
  CHECK(decide({"a"}, {actual("a", Phase::lost, 7s)}, 11s).empty());
  CHECK(decide({"a"}, {actual("a", Phase::lost, 7s)}, 12s) ==
        std::vector<Decision>{{Kind::retire, "a"}, {Kind::kill, "a"}});
  CHECK(decide({}, {actual("a", Phase::lost, 7s)}, 8s) == std::vector<Decision>{{Kind::terminate, "a"}});
}

TEST_CASE("what its driver still prepares may take longer, and is taken back when it is not wanted") {
  CHECK(decide({"a"}, {actual("a", Phase::preparing)}, 599s).empty());
  CHECK(decide({"a"}, {actual("a", Phase::preparing)}, 600s) ==
        std::vector<Decision>{{Kind::retire, "a"}, {Kind::kill, "a"}});
  CHECK(decide({}, {actual("a", Phase::preparing)}, 1s) == std::vector<Decision>{{Kind::terminate, "a"}});
}

TEST_CASE("a worker that does not end within its grace is cut off and killed, once") {
  CHECK(decide({}, {actual("a", Phase::stopping, 5s)}, 14s).empty());
  CHECK(decide({}, {actual("a", Phase::stopping, 5s)}, 15s) ==
        std::vector<Decision>{{Kind::retire, "a"}, {Kind::kill, "a"}});
  CHECK(decide({}, {actual("a", Phase::killed, 15s, false)}, 99s).empty());
}

TEST_CASE("a worker that has ended and is not desired is forgotten, its user retired first") {
  CHECK(decide({}, {actual("a", Phase::waiting)}, 0s) ==
        std::vector<Decision>{{Kind::retire, "a"}, {Kind::forget, "a"}});
}

TEST_CASE("it looks again at the earliest moment at which time alone changes something") {
  const auto result =
      reconcile({"a", "b"},
                {actual("a", Phase::starting, 3s), actual("b", Phase::starting, 2s), actual("c", Phase::stopping, 30s)},
                start_of_time + 31s, limits);
  CHECK(result.decisions.empty());
  CHECK(result.look_again == start_of_time + 32s);
}
