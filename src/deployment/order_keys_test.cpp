#include "deployment/order_keys.hpp"

#include <doctest/doctest.h>

using namespace millrace;
using deployment::OrderKeys;

namespace {

flow::Plan plan_of(std::optional<std::string> ordered_by) {
  flow::WorkerPlan worker;
  worker.flow = "orders";
  worker.step = "publish";
  worker.ordered_by = std::move(ordered_by);
  flow::Plan plan;
  plan.workers.push_back(std::move(worker));
  return plan;
}

broker::OrderKey key_of(const std::string& expression, const std::string& envelope) {
  OrderKeys keys;
  keys.add(plan_of(expression));
  broker::Message message;
  message.body = envelope;
  const auto key = keys.key("orders@1.publish", message);
  REQUIRE(key);
  return *key;
}

}  // namespace

TEST_CASE("a key is what the step's expression yields for the message as it comes, as JSON") {
  CHECK(key_of("body.customer", R"({"body":{"customer":"Ada"}})").key == "\"Ada\"");
  CHECK(key_of("body.number", R"({"body":{"number":7}})").key == "7");
  CHECK(key_of("[body.a, headers.b]", R"({"body":{"a":1},"headers":{"b":"x"}})").key == "[1,\"x\"]");
}

TEST_CASE("where the expression yields nothing or null there is no key, and no failure") {
  for (const auto* envelope : {R"({"body":{}})", R"({"body":{"customer":null}})"}) {
    const auto key = key_of("body.customer", envelope);
    CHECK(!key.key);
    CHECK(key.failure.empty());
  }
}

TEST_CASE("a long key is kept as its digest, the same each time") {
  const std::string envelope = R"({"body":")" + std::string(5'000, 'x') + "\"}";
  const auto key = key_of("body", envelope).key;
  REQUIRE(key);
  CHECK(key->size() < 100);
  CHECK(key == key_of("body", envelope).key);
  CHECK(key != key_of("body", R"({"body":")" + std::string(5'001, 'x') + "\"}").key);
}

TEST_CASE("an expression that fails, or never ends, tells why in time") {
  CHECK(
      key_of("body.a + 1", R"({"body":{"a":"x"}})").failure.starts_with("jsonata.T2001: ordered_by: JSONata T2001: "));
  CHECK(key_of("($f := function($n) { $f($n + 1) }; $f(0))", "{}").failure.starts_with("jsonata."));
}

TEST_CASE("queues of other steps have no keys from here") {
  OrderKeys keys;
  keys.add(plan_of(std::nullopt));
  CHECK(!keys.key("orders@1.publish", {}));
  keys.add(plan_of("body"));
  keys.remove(plan_of("body"));
  CHECK(!keys.key("orders@1.publish", {}));
}
