#include "cluster/owner.hpp"

#include <map>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

using millrace::cluster::owner_of;

TEST_CASE("an instance of a step has one owner, whoever is asked") {
  CHECK(owner_of("orders/ship", 1, {}) == nullptr);
  CHECK(*owner_of("orders/ship", 1, {"east"}) == "east");
  CHECK(*owner_of("orders/ship", 3, {"east", "west"}) == *owner_of("orders/ship", 3, {"west", "east"}));
}

TEST_CASE("the instances of a step are spread over all members") {
  const std::vector<std::string> members = {"a", "b", "c"};
  for (int step = 0; step < 20; ++step) {
    std::set<std::string> owners;
    for (std::uint32_t instance = 1; instance <= 3; ++instance) {
      owners.insert(*owner_of(fmt::format("orders/{}", step), instance, members));
    }
    CHECK(owners.size() == 3);
  }
}

TEST_CASE("steps are spread evenly, and when a member goes only what was its own changes hands") {
  const std::vector<std::string> all = {"a", "b", "c", "d"};
  const std::vector<std::string> fewer = {"a", "b", "d"};
  std::map<std::string, int> counts;
  for (int n = 0; n < 4'000; ++n) {
    const auto step = fmt::format("orders/{}", n);
    const auto& owner = *owner_of(step, 1, all);
    ++counts[owner];
    if (owner != "c") CHECK(*owner_of(step, 1, fewer) == owner);
  }
  for (const auto& [member, count] : counts) {
    CAPTURE(member);
    CHECK(count > 850);
    CHECK(count < 1'150);
  }
}
