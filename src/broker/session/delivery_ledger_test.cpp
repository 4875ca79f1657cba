#include "broker/session/delivery_ledger.hpp"

#include <map>
#include <random>

#include <doctest/doctest.h>

namespace millrace::broker {
namespace {

TEST_CASE("tags count up, and each is taken once") {
  DeliveryLedger ledger;
  CHECK(ledger.add(DeliveryId{10}, nullptr) == 1);
  CHECK(ledger.skip() == 2);
  CHECK(ledger.add(DeliveryId{30}, nullptr) == 3);
  CHECK_FALSE(ledger.take(2));
  CHECK_FALSE(ledger.take(0));
  CHECK_FALSE(ledger.take(4));
  auto entry = ledger.take(3);
  REQUIRE(entry);
  CHECK(entry->delivery == DeliveryId{30});
  CHECK_FALSE(ledger.take(3));
  CHECK(ledger.size() == 1);
}

TEST_CASE("taking through a tag takes all before it, and zero means all") {
  DeliveryLedger ledger;
  for (std::uint64_t i = 1; i <= 5; ++i) ledger.add(DeliveryId{i}, nullptr);
  ledger.take(2);
  CHECK_FALSE(ledger.take_through(2));
  auto taken = ledger.take_through(3);
  REQUIRE(taken);
  REQUIRE(taken->size() == 2);
  CHECK((*taken)[0].tag == 1);
  CHECK((*taken)[1].tag == 3);
  CHECK(ledger.take_through(0)->size() == 2);
  CHECK(ledger.take_through(0)->empty());
}

TEST_CASE("a ledger behaves as a map of tags, whatever is added, taken and put back") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  DeliveryLedger ledger;
  std::map<std::uint64_t, std::uint64_t> model;
  std::vector<Unsettled> rolled;
  std::uint64_t last = 0;
  for (int step = 0; step < 50000; ++step) {
    const auto choice = random() % 100;
    if (choice < 50) {
      last = ledger.add(DeliveryId{step + 1u}, nullptr);
      model[last] = step + 1u;
    } else if (choice < 55) {
      CHECK(ledger.skip() == ++last);
    } else if (choice < 90 || model.empty()) {
      const std::uint64_t tag = last == 0 ? 0 : 1 + random() % last;
      auto entry = ledger.take(tag);
      CHECK(entry.has_value() == model.contains(tag));
      if (entry) {
        CHECK(entry->delivery.value == model[tag]);
        model.erase(tag);
        rolled.push_back(*entry);
      }
    } else if (choice < 95) {
      for (const Unsettled& entry : rolled) model[entry.tag] = entry.delivery.value;
      ledger.restore(std::exchange(rolled, {}));
    } else {
      auto upto =
          std::next(model.begin(), static_cast<std::ptrdiff_t>(random() % std::min<std::size_t>(model.size(), 4)));
      auto taken = ledger.take_through(upto->first);
      REQUIRE(taken);
      auto expected = model.begin();
      for (const Unsettled& entry : *taken) CHECK(entry.tag == (expected++)->first);
      CHECK(expected == std::next(upto));
      model.erase(model.begin(), expected);
    }
    CHECK(ledger.size() == model.size());
  }
}

}  // namespace
}  // namespace millrace::broker
