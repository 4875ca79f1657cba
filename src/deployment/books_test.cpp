#include "deployment/books.hpp"

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

  /// What a worker tells in the commit in which it settles.
  void tell(const std::string& step, const std::string& account) {
    amqp::Properties properties;
    properties.headers.emplace().set("stepId", step);
    auto message = std::make_shared<broker::Message>();
    *message = {"flow.orders@1", std::string(flow::names::accounts_key), amqp::encode_properties(properties), account};
    REQUIRE(broker->commit(broker.session, {{std::move(message)}, {}}, nullptr));
  }
  void lose(const std::string& step) {
    for (int loss = 0; broker.ready("orders@1." + step) > 0; ++loss) {
      REQUIRE(loss < 1'000);
      const auto session = broker->begin_session();
      REQUIRE(broker->get(session, "orders@1." + step, false));
      broker->end_session(session, broker::SessionEnd::lost);
      broker.settle();
    }
  }

  mutable DiskBroker broker;

  flow::Plan plan;
};

/// Kept from now on.
struct Kept {
  explicit Kept(Counting& counting) : counting_(counting), books(*counting.broker, counting.broker.session) {
    books.add(counting.plan);
  }
  /// done, filtered, dead, dropped, in flight; that they balance is checked each time.
  std::vector<std::int64_t> parts() const {
    const auto balance = books.of("orders");
    CHECK(balance.accepted == balance.done + balance.filtered + balance.dead + balance.dropped + balance.in_flight);
    return {balance.done, balance.filtered, balance.dead, balance.dropped, balance.in_flight};
  }
  std::int64_t accepted() const { return books.of("orders").accepted; }

  Counting& counting_;
  Books books;
};

using Parts = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a message is in flight until the last step has settled it, then it is done") {
  Counting counting;
  const Kept kept(counting);
  counting.send("form:output");
  CHECK(kept.parts() == Parts{0, 0, 0, 0, 1});
  counting.work("write");
  counting.send("write:output");
  CHECK(kept.parts() == Parts{0, 0, 0, 0, 1});
  CHECK(kept.books.totals(1).done == 0);
  counting.work("last");
  CHECK(kept.parts() == Parts{1, 0, 0, 0, 0});
  CHECK(kept.accepted() == 1);
  CHECK(kept.books.totals(1).done == 1);
  CHECK(kept.books.totals(1).accepted == 1);
}

TEST_CASE("a message between two steps, on its way to disk, is in flight") {
  Counting counting;
  const Kept kept(counting);
  counting.send("form:output");
  auto output = std::make_shared<broker::Message>();
  *output = {"flow.orders@1", "write:output", amqp::encode_properties({}), "{}"};
  const auto taken = counting.broker->get(counting.broker.session, "orders@1.write", false);
  REQUIRE(counting.broker->commit(counting.broker.session, {{std::move(output)}, {{(*taken)->id}}}, nullptr));
  CHECK(counting.broker.ready("orders@1.last") == 0);
  CHECK(kept.parts() == Parts{0, 0, 0, 0, 1});
  counting.broker.settle();
  CHECK(kept.parts() == Parts{0, 0, 0, 0, 1});
}

TEST_CASE("what is put back is retrying and in flight") {
  Counting counting;
  const Kept kept(counting);
  counting.send("write:output");
  counting.send("last:rebound", 3'600'000);
  counting.work("last");
  CHECK(kept.parts() == Parts{0, 0, 0, 0, 1});
  CHECK(kept.books.totals(0).retrying == 1);
  CHECK(kept.books.totals(0).in_flight == 0);
}

TEST_CASE("fan-out is accepted: a message that becomes three has added two") {
  Counting counting;
  const Kept kept(counting);
  counting.send("form:output");
  for (int i = 0; i < 3; ++i) counting.send("write:output");
  counting.work("write");
  CHECK(kept.accepted() == 3);
  CHECK(kept.parts() == Parts{0, 0, 0, 0, 3});
}

TEST_CASE("what a worker tells is filtered or dead is not done") {
  Counting counting;
  Kept kept(counting);
  counting.send("form:output");
  counting.tell("write", R"({"filtered":1,"dead":0})");
  counting.work("write");
  CHECK(kept.parts() == Parts{0, 1, 0, 0, 0});
  counting.send("write:output");
  counting.send("last:error");
  counting.tell("last", R"({"filtered":0,"dead":1})");
  counting.work("last");
  CHECK(kept.parts() == Parts{0, 1, 1, 0, 0});
  CHECK(kept.accepted() == 2);
  CHECK(kept.books.totals(2).dead == 1);
}

TEST_CASE("a dead letter that is retried is in flight again, one that is dropped is dropped") {
  Counting counting;
  Kept kept(counting);
  for (int i = 0; i < 2; ++i) {
    counting.send("write:output");
    counting.send("last:error");
    counting.tell("last", R"({"filtered":0,"dead":1})");
    counting.work("last");
  }
  CHECK(kept.parts() == Parts{0, 0, 2, 0, 0});
  const auto take_off = [&] {
    const auto letter = counting.broker->get(counting.broker.session, "orders.dead-letters", false);
    REQUIRE(counting.broker->commit(counting.broker.session, {{}, {{(*letter)->id}}}, nullptr));
    counting.broker.settle();
  };
  counting.send("last:input");
  take_off();
  kept.books.retried("orders", 1);
  CHECK(kept.parts() == Parts{0, 0, 1, 0, 1});
  take_off();
  CHECK(kept.parts() == Parts{0, 0, 0, 1, 1});
  CHECK(kept.accepted() == 2);
}

TEST_CASE("purged messages are dropped, those that wait for their next try among them") {
  Counting counting;
  const Kept kept(counting);
  counting.send("form:output");
  counting.send("write:output");
  counting.send("last:rebound", 3'600'000);
  counting.work("last");
  for (const auto* queue : {"orders@1.write", "orders@1.last.rebounds"}) {
    REQUIRE(counting.broker->purge_queue(counting.broker.session, queue, nullptr));
    counting.broker.settle();
  }
  CHECK(kept.parts() == Parts{0, 0, 0, 2, 0});
  CHECK(kept.accepted() == 2);
}

TEST_CASE("what the broker itself gives up is dead, and neither done nor dropped") {
  Counting counting;
  const Kept kept(counting);
  counting.send("write:output");
  counting.work("last");
  counting.send("write:output");
  counting.lose("last");
  CHECK(kept.parts() == Parts{1, 0, 1, 0, 0});
}

TEST_CASE(
    "the books begin with what is in flight and the dead letters of before; what was done before is not in them") {
  Counting counting;
  counting.send("write:output");
  counting.work("last");
  counting.send("last:error");
  counting.send("form:output");
  const Kept kept(counting);
  CHECK(kept.parts() == Parts{0, 0, 1, 0, 1});
  CHECK(kept.accepted() == 2);
  CHECK(kept.books.totals(0).dead == 1);
}

TEST_CASE("a version that is closed stays in the books of its flow, and what was done in the totals when it is gone") {
  Counting counting;
  Kept kept(counting);
  counting.send("write:output");
  counting.work("last");
  kept.books.close(counting.plan);
  REQUIRE(deployment::remove_version(*counting.broker, counting.broker.session, counting.plan, nullptr));
  counting.broker.settle();
  CHECK(kept.parts() == Parts{1, 0, 0, 0, 0});
  kept.books.forget("orders");
  CHECK(kept.accepted() == 0);
  CHECK(kept.books.totals(1).done == 1);
}
