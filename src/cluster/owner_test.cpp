#include "cluster/owner.hpp"

#include <map>

#include <doctest/doctest.h>
#include <fmt/format.h>

using millrace::cluster::owner_of;

TEST_CASE("a worker has one owner, whoever is asked") {
  CHECK(owner_of("orders@1/ship#1", {}) == nullptr);
  CHECK(*owner_of("orders@1/ship#1", {"east"}) == "east");
  CHECK(*owner_of("orders@1/ship#1", {"east", "west"}) == *owner_of("orders@1/ship#1", {"west", "east"}));
}

TEST_CASE("workers are spread evenly, and when a member goes only its own change hands") {
  const std::vector<std::string> all = {"a", "b", "c", "d"};
  const std::vector<std::string> fewer = {"a", "b", "d"};
  std::map<std::string, int> counts;
  for (int n = 0; n < 4'000; ++n) {
    const auto worker = fmt::format("orders@{}/ship#{}", n / 8, n % 8);
    const auto& owner = *owner_of(worker, all);
    ++counts[owner];
    if (owner != "c") CHECK(*owner_of(worker, fewer) == owner);
  }
  for (const auto& [member, count] : counts) {
    CAPTURE(member);
    CHECK(count > 850);
    CHECK(count < 1'150);
  }
}
