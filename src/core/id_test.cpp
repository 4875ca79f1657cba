#include "core/id.hpp"

#include <doctest/doctest.h>

using namespace millrace;

TEST_CASE("a derived id depends on its parts and on where one part ends") {
  CHECK(derived_id({"a", "b"}) == derived_id({"a", "b"}));
  CHECK(derived_id({"ab", ""}) != derived_id({"a", "b"}));
  CHECK(child_message_id("p", "s", 0) != child_message_id("p", "s", 1));
}

TEST_CASE("ids have the form of a UUID of their version") {
  const auto random = random_id();
  CHECK(random.size() == 36);
  CHECK(random[14] == '4');
  CHECK(derived_id({"x"})[14] == '8');
  CHECK(random_id() != random);
  CHECK(random_token(24).size() == 48);
}
