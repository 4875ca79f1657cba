#include "components/http/poll_state.hpp"

#include <optional>

#include <doctest/doctest.h>

using namespace millrace;
using components::PollState;

TEST_CASE("a copy of what was seen stands on its own") {
  std::optional<PollState> first(PollState{});
  CHECK(first->note("1", "a", 2));
  CHECK(first->note("2", "b", 2));
  PollState copy(*first);
  const auto json = first->json();
  first.reset();
  CHECK(copy.json() == json);
  CHECK_FALSE(copy.note("1", "a", 2));
  CHECK(copy.note("3", "c", 2));  // 2 was noted longest ago
  CHECK(copy.note("2", "b", 2));
  CHECK(copy.seen() == 2);
}
