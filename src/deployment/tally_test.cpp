#include "deployment/tally.hpp"

#include <doctest/doctest.h>

#include "components/catalogue.hpp"
#include "deployment/topology.hpp"
#include "flow/load.hpp"
#include "support/disk_broker.hpp"

using namespace millrace;
using namespace millrace::deployment;
using tests::DiskBroker;

namespace {

/// form → write → last, declared; the test is both workers.
struct Counting {
  Counting() {
    const auto catalogue = components::make_catalogue();
    const auto flows = flow::load_text(
        "name: orders\nsteps:\n"
        "  - { id: form, trigger: webhook.receive, config: { path: p } }\n"
        "  - { id: write, action: message.log, after: form }\n"
        "  - { id: last, action: message.log, after: write }\n",
        "flow.yaml", catalogue, [](std::string_view) { return std::nullopt; });
    REQUIRE(flows);
    plan = flow::make_plan(flows->front(), 1, catalogue);
    REQUIRE(deployment::declare(*broker, broker.session, plan, nullptr));
    broker.settle();
  }

  void send(const std::string& key, std::int64_t expires_in_ms = 0) {
    amqp::Properties properties;
    properties.delivery_mode = 2;
    if (key.ends_with(":error")) properties.headers.emplace().set("errorCode", "http.status");
    if (expires_in_ms > 0) properties.expiration = std::to_string(expires_in_ms);
    auto message = std::make_shared<broker::Message>();
    *message = {"flow.orders@1", key, amqp::encode_properties(properties), "{}"};
    REQUIRE(broker->commit(broker.session, {{std::move(message)}, {}}, nullptr));
    broker.settle();
  }
  /// Takes the first message of a step and settles it.
  void work(const std::string& step) {
    const auto taken = broker->get(broker.session, "orders@1." + step, false);
    REQUIRE(taken);
    REQUIRE(*taken);
    REQUIRE(broker->commit(broker.session, {{}, {{(*taken)->id}}}, nullptr));
    broker.settle();
  }

  mutable DiskBroker broker;
  /// Counts from now on.
  Tally tally() const {
    Tally made(*broker);
    made.add(plan);
    return made;
  }

  flow::Plan plan;
};

}  // namespace

TEST_CASE("a message is in flight until the last step has settled it, then it is done") {
  Counting counting;
  auto tally = counting.tally();
  counting.send("form:output");
  CHECK(tally.now(1).accepted == 1);
  CHECK(tally.now(1).in_flight == 1);
  counting.work("write");
  counting.send("write:output");
  CHECK(tally.now(1).in_flight == 1);
  CHECK(tally.now(1).done == 0);
  counting.work("last");
  CHECK(tally.now(1).in_flight == 0);
  CHECK(tally.now(1).done == 1);
}

TEST_CASE("a message between two steps, on its way to disk, is in flight") {
  Counting counting;
  auto tally = counting.tally();
  counting.send("form:output");
  auto output = std::make_shared<broker::Message>();
  *output = {"flow.orders@1", "write:output", amqp::encode_properties({}), "{}"};
  const auto taken = counting.broker->get(counting.broker.session, "orders@1.write", false);
  REQUIRE(counting.broker->commit(counting.broker.session, {{std::move(output)}, {{(*taken)->id}}}, nullptr));
  CHECK(counting.broker.ready("orders@1.last") == 0);
  CHECK(tally.now(1).in_flight == 1);
  counting.broker.settle();
  CHECK(tally.now(1).in_flight == 1);
}

TEST_CASE("what the last step puts back is retrying and not done") {
  Counting counting;
  auto tally = counting.tally();
  counting.send("write:output");
  counting.send("last:rebound", 3'600'000);
  counting.work("last");
  CHECK(tally.now(0).retrying == 1);
  CHECK(tally.now(0).done == 0);
}

TEST_CASE("what the last step gives up is dead and not done") {
  Counting counting;
  auto tally = counting.tally();
  counting.send("write:output");
  counting.send("last:error");
  counting.work("last");
  CHECK(tally.now(0).dead == 1);
  CHECK(tally.now(0).done == 0);
  counting.send("write:output");
  counting.work("last");
  CHECK(tally.now(0).done == 1);
}

TEST_CASE("what was done before the start is not counted, dead letters of before are") {
  Counting counting;
  counting.send("write:output");
  counting.work("last");
  counting.send("last:error");
  auto tally = counting.tally();
  CHECK(tally.now(0).done == 0);
  CHECK(tally.now(0).dead == 1);
}

TEST_CASE("what the broker itself gives up was not settled, and takes nothing off what is done") {
  Counting counting;
  auto tally = counting.tally();
  counting.send("write:output");
  counting.work("last");
  counting.send("write:output");
  for (int loss = 0; counting.broker.ready("orders@1.last") > 0; ++loss) {
    REQUIRE(loss < 1'000);
    const auto session = counting.broker->begin_session();
    REQUIRE(counting.broker->get(session, "orders@1.last", false));
    counting.broker->end_session(session, broker::SessionEnd::lost);
    counting.broker.settle();
  }
  CHECK(tally.now(0).dead == 1);
  CHECK(tally.now(0).done == 1);
}
