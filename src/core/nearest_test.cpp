#include "core/nearest.hpp"

#include <doctest/doctest.h>

using millrace::nearest;
using millrace::suggestion;

TEST_CASE("a slip of the fingers finds the name that was meant") {
  const std::vector<std::string> known{"config", "input", "instances", "retry", "when"};
  CHECK(nearest("confg", known) == "config");
  CHECK(nearest("cofnig", known) == "config");
  CHECK(nearest("Instances", known) == "instances");
  CHECK(nearest("instance", known) == "instances");
  CHECK(nearest("rety", known) == "retry");
}

TEST_CASE("a name that is like none of them gets no suggestion") {
  CHECK(!nearest("schedule", {"config", "input", "when"}));
  CHECK(!nearest("x", {"y", "z"}));
  CHECK(!nearest("anything", {}));
}

TEST_CASE("punctuation does not stand between a name and its suggestion") {
  CHECK(nearest("http_request", {"http.reply", "http.request"}) == "http.request");
}

TEST_CASE("a suggestion names the nearest, or the few there are") {
  CHECK(suggestion("metod", {"method", "url"}) == "did you mean \"method\"?");
  CHECK(suggestion("zzzzzz", {"method", "url"}) == "known: method, url");
  CHECK(suggestion("zzzzzz", {}) == "");
}
