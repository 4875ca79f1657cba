#include "storage/lone_pace.hpp"

#include <doctest/doctest.h>

namespace millrace::storage {
namespace {

using std::chrono::microseconds;

struct Site {
  void flush(microseconds idle, std::size_t commits, microseconds took) {
    now += idle;
    pace.begin(now, commits);
    now += took;
    pace.end(now);
  }
  bool next_is_lone() {
    now += microseconds(50);
    pace.begin(now, 1);
    return pace.is_lone();
  }

  LonePace pace{3};
  io::SteadyTime now{std::chrono::seconds(1)};
};

}  // namespace

TEST_CASE("who commits one by one is lone after a few commits") {
  Site site;
  for (int i = 0; i < 3; ++i) site.flush(microseconds(60), 1, microseconds(100));
  CHECK(site.next_is_lone());
}

TEST_CASE("flushes for which nobody waits neither make nor break it, and are left to the thread") {
  Site site;
  for (int i = 0; i < 6; ++i) site.flush(microseconds(60), static_cast<std::size_t>(i % 2), microseconds(100));
  CHECK(site.next_is_lone());
  site.pace.begin(site.now + std::chrono::milliseconds(5), 0);
  CHECK_FALSE(site.pace.is_lone());
}

TEST_CASE("nobody is lone where several commits waited for one flush, or one for the flush before it") {
  Site together;
  for (int i = 0; i < 9; ++i) together.flush(microseconds(60), 1 + i % 2, microseconds(100));
  CHECK_FALSE(together.next_is_lone());
  Site behind;
  for (int i = 0; i < 9; ++i) behind.flush(microseconds(i % 2 == 0 ? 60 : 5), 1, microseconds(100));
  CHECK_FALSE(behind.next_is_lone());
}

TEST_CASE("the loop waits for no disk that was slow just now, or was never seen") {
  Site site;
  CHECK_FALSE(site.next_is_lone());
  for (int i = 0; i < 9; ++i) site.flush(microseconds(60), 1, microseconds(i == 8 ? 5'000 : 100));
  CHECK_FALSE(site.next_is_lone());
}

}  // namespace millrace::storage
