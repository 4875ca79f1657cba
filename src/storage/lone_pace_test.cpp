#include "storage/lone_pace.hpp"

#include <doctest/doctest.h>

namespace millrace::storage {
namespace {

using std::chrono::microseconds;

constexpr LonePace::Flush alone{1, 1, false};

struct Site {
  void flush(microseconds idle, LonePace::Flush flush, microseconds took) {
    now += idle;
    pace.begin(now, flush);
    now += took;
    pace.end(now);
  }
  bool next_is_lone() {
    now += microseconds(50);
    pace.begin(now, alone);
    return pace.is_lone();
  }

  LonePace pace{3};
  io::SteadyTime now{std::chrono::seconds(1)};
};

}  // namespace

TEST_CASE("who commits one by one is lone after a few commits") {
  Site site;
  for (int i = 0; i < 3; ++i) site.flush(microseconds(60), alone, microseconds(100));
  CHECK(site.next_is_lone());
}

TEST_CASE("flushes for which nobody waits neither make nor break it, and are left to the thread") {
  Site site;
  for (int i = 0; i < 6; ++i) {
    site.flush(microseconds(60), {i % 2 == 0 ? 1u : 0u, 1, false}, microseconds(100));
  }
  CHECK(site.next_is_lone());
  site.pace.begin(site.now + std::chrono::milliseconds(5), {0, 1, false});
  CHECK_FALSE(site.pace.is_lone());
}

TEST_CASE("nobody is lone where somebody else has work for the loop") {
  const LonePace::Flush together{2, 2, false};
  const LonePace::Flush beside_settlements{0, 50, false};
  const LonePace::Flush behind{1, 1, true};
  for (const auto& other : {together, beside_settlements, behind}) {
    Site site;
    for (int i = 0; i < 9; ++i) site.flush(microseconds(60), alone, microseconds(100));
    site.flush(microseconds(60), other, microseconds(100));
    CHECK_FALSE(site.next_is_lone());
  }
  Site at_once;
  for (int i = 0; i < 9; ++i) at_once.flush(microseconds(i == 8 ? 5 : 60), alone, microseconds(100));
  CHECK_FALSE(at_once.next_is_lone());
}

TEST_CASE("the loop waits for no disk that was slow in one of the last syncs, or was never seen") {
  Site site;
  CHECK_FALSE(site.next_is_lone());
  for (int i = 0; i < 9; ++i) site.flush(microseconds(60), alone, microseconds(i == 7 ? 5'000 : 100));
  CHECK_FALSE(site.next_is_lone());
}

}  // namespace millrace::storage
