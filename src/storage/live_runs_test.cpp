#include "storage/live_runs.hpp"

#include <random>
#include <set>

#include <doctest/doctest.h>

namespace millrace::storage {
namespace {

std::set<std::uint32_t> covered(const LiveRuns& runs, std::uint32_t count) {
  std::set<std::uint32_t> out;
  for (std::uint32_t i = 1; i <= count; ++i) {
    if (runs.find(i * 8) != nullptr) out.insert(i * 8);
  }
  return out;
}

}  // namespace

TEST_CASE("runs cover exactly what was added and not taken out, in any order, also after being written down") {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    constexpr std::uint32_t count = 60;
    LiveRuns runs;
    std::set<std::uint32_t> model;
    bool joined = false;
    for (std::uint32_t i = 1; i <= count; ++i) {
      const bool live = random() % 4 != 0;
      if (live) {
        runs.append(i * 8, 0, false, joined);
        model.insert(i * 8);
      }
      joined = live;
    }
    CHECK(covered(runs, count) == model);
    for (int i = 0; i < 40; ++i) {
      const std::uint32_t offset = (1 + random() % count) * 8;
      if (random() % 4 == 0 && !model.contains(offset)) {
        runs.insert({offset, offset, 0, true});
        model.insert(offset);
      } else {
        CHECK(runs.remove(offset) == (model.erase(offset) == 1));
      }
      const auto again = LiveRuns::decode(runs.encode());
      REQUIRE(again);
      CHECK(again->runs() == runs.runs());
      CHECK(covered(*again, count) == model);
    }
  }
}

TEST_CASE("a loss is marked for one entry of a run") {
  LiveRuns runs;
  for (std::uint32_t i = 1; i <= 5; ++i) runs.append(i * 8, 0, false, i > 1);
  REQUIRE(runs.runs().size() == 1);
  CHECK(runs.mark_lost(24, 3));
  CHECK(runs.find(16)->lost_count == 0);
  CHECK(runs.find(24)->lost_count == 3);
  CHECK(runs.find(24)->redelivered);
  CHECK(runs.find(32)->lost_count == 0);
  CHECK_FALSE(runs.mark_lost(48, 1));
}

TEST_CASE("bytes that are no runs are told from runs") {
  CHECK_FALSE(LiveRuns::decode("\x80"));
  CHECK_FALSE(LiveRuns::decode("\x01\x01"));
  CHECK(LiveRuns::decode(""));
}

}  // namespace millrace::storage
