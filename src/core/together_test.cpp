#include "core/together.hpp"

#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace millrace;

TEST_CASE("what several things come to is told once, when the last of them has ended, with the first error") {
  std::vector<Status> told;
  const auto one = together(3, [&](const Status& status) { told.push_back(status); });
  one(Done{});
  one(Error{Error::Kind::io, "first"});
  CHECK(told.empty());
  one(Error{Error::Kind::io, "second"});
  REQUIRE(told.size() == 1);
  REQUIRE(!told.front());
  CHECK(told.front().error().message == "first");
}

}  // namespace
