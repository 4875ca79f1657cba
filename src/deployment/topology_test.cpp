#include "deployment/topology.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "components/catalogue.hpp"
#include "flow/load.hpp"
#include "support/disk_broker.hpp"

using namespace millrace;
using namespace millrace::deployment;
using tests::DiskBroker;

namespace {

const component::Catalogue& catalogue() {
  static const auto all = components::make_catalogue();
  return all;
}

/// A flow file's plan; `steps` after a webhook called `form`.
flow::Plan plan_of(const std::string& steps, std::int64_t version = 1) {
  const auto text = "name: orders\nsteps:\n  - { id: form, trigger: webhook.receive, config: { path: p } }\n" + steps;
  const auto flows = flow::load_text(text, "flow.yaml", catalogue(), [](std::string_view) { return std::nullopt; });
  REQUIRE(flows);
  return flow::make_plan(flows->front(), version, catalogue());
}

constexpr const char* log_step = "  - { id: write, action: message.log, after: form }\n";

struct Site {
  void declare(const flow::Plan& plan) {
    const auto done = deployment::declare(*broker, broker.session, plan, [this](const Error&) { ++failures; });
    REQUIRE(done);
    broker.settle();
  }
  void send(const std::string& key, std::int64_t version = 1) {
    broker.publish(flow::names::exchange("orders", version), key, "{}");
  }
  /// Whether it could be removed, and was.
  bool remove(const flow::Plan& plan) {
    bool gone = false;
    const auto begun =
        remove_version(*broker, broker.session, plan, [&](const Status& status) { gone = bool(status); });
    broker.settle();
    CHECK(gone == bool(begun));
    return gone;
  }

  DiskBroker broker;
  int failures = 0;
};

}  // namespace

TEST_CASE("a declared flow takes a trigger's message to every step after it, and declaring it again changes nothing") {
  Site site;
  const auto plan = plan_of(std::string(log_step) + "  - { id: also, action: message.log, after: form }\n");
  site.declare(plan);
  site.declare(plan);
  site.send("form:output");
  CHECK(site.broker.ready("orders@1.write") == 1);
  CHECK(site.broker.ready("orders@1.also") == 1);
  site.send("write:error");
  CHECK(site.broker.ready("orders.dead-letters") == 1);
  CHECK(site.failures == 0);
}

TEST_CASE("two versions of a flow have queues of their own, and share the dead letters") {
  Site site;
  site.declare(plan_of(log_step, 1));
  site.declare(plan_of(log_step, 2));
  site.send("form:output", 1);
  site.send("form:output", 2);
  site.send("form:output", 2);
  CHECK(site.broker.ready("orders@1.write") == 1);
  CHECK(site.broker.ready("orders@2.write") == 2);
  site.send("write:error", 1);
  site.send("write:error", 2);
  CHECK(site.broker.ready("orders.dead-letters") == 2);
}

TEST_CASE("a version is removed once it has nothing in flight, and what versions share stays") {
  Site site;
  const auto first = plan_of(log_step, 1);
  site.declare(first);
  site.declare(plan_of(log_step, 2));
  site.send("write:error", 1);
  site.send("form:output", 1);
  CHECK(in_flight(*site.broker, first) == 1);
  CHECK(!site.remove(first));
  REQUIRE(site.broker->purge_queue(site.broker.session, "orders@1.write", nullptr));
  site.broker.settle();
  CHECK(site.remove(first));
  CHECK(!site.broker->queue("orders@1.write"));
  CHECK(!site.broker->has_exchange("flow.orders@1"));
  CHECK(site.broker.ready("orders.dead-letters") == 1);
  INFO("what a crash has left to do is done again");
  CHECK(site.remove(first));
  site.send("form:output", 2);
  CHECK(site.broker.ready("orders@2.write") == 1);
}

TEST_CASE("a message that is accepted and not yet on disk is in flight") {
  Site site;
  const auto plan = plan_of(log_step);
  site.declare(plan);
  auto message = std::make_shared<broker::Message>();
  *message = {"flow.orders@1", "form:output", {}, "{}"};
  REQUIRE(site.broker->commit(site.broker.session, {{std::move(message)}, {}}, nullptr));
  CHECK(in_flight(*site.broker, plan) == 1);
  site.broker.settle();
}

TEST_CASE("a flow goes with all that it has, and takes nothing of a flow whose name begins alike") {
  Site site;
  site.declare(plan_of(log_step));
  site.send("form:output");
  site.send("write:error");
  REQUIRE(
      site.broker->declare_queue(site.broker.session, {.name = "orders-eu.dead-letters", .arguments = {}}, nullptr));
  bool gone = false;
  remove_flow(*site.broker, site.broker.session, "orders", {1}, [&](const Status& status) { gone = bool(status); });
  site.broker.settle();
  CHECK(gone);
  CHECK(site.broker->queues().size() == 1);
  CHECK(!site.broker->has_exchange("flow.orders@1"));
}

TEST_CASE("messages that no flow in use reads are told as leftovers") {
  Site site;
  const auto plan = plan_of(log_step);
  site.declare(plan);
  site.send("form:output");
  CHECK(leftovers(*site.broker, {&plan}).empty());
  const auto left = leftovers(*site.broker, {});
  REQUIRE(left.size() == 1);
  CHECK(left[0].queue == "orders@1.write");
  CHECK(left[0].messages == 1);
}

TEST_CASE("a queue with new settings is made anew once it is empty, and keeps its messages until then") {
  Site site;
  const auto patient = plan_of("  - { id: write, action: message.log, after: form, retry: { attempts: 9 } }\n");
  const auto hasty = plan_of("  - { id: write, action: message.log, after: form, retry: { attempts: 2 } }\n");
  site.declare(patient);
  site.send("form:output");
  site.declare(hasty);
  CHECK(site.broker.ready("orders@1.write") == 1);

  REQUIRE(site.broker->purge_queue(site.broker.session, "orders@1.write", nullptr));
  site.declare(hasty);
  const auto again = std::find_if(hasty.queues.begin(), hasty.queues.end(),
                                  [](const auto& queue) { return queue.name == "orders@1.write"; });
  CHECK(site.broker->declare_queue(site.broker.session, *again, nullptr));
  site.send("form:output");
  CHECK(site.broker.ready("orders@1.write") == 1);
}

TEST_CASE(
    "an event that an earlier version took in is a repeat for all first steps of the next one, and for no other") {
  Site site;
  const auto first = plan_of(log_step);
  const auto next = plan_of(std::string(log_step) + "  - { id: also, action: message.log, after: form }\n" +
                                "  - { id: later, action: message.log, after: also }\n",
                            2);
  const auto publish = [&](std::int64_t version, const std::string& key, const std::string& id) {
    site.broker.publish(flow::names::exchange("orders", version), key, "{}", {}, id);
  };
  site.declare(first);
  publish(1, "form:output", "one");
  site.declare(next);
  inherit_windows(*site.broker, site.broker.session, next, {&first});
  inherit_windows(*site.broker, site.broker.session, next, {&first});
  publish(2, "form:output", "one");
  publish(2, "form:output", "two");
  publish(2, "also:output", "one");
  site.broker.reopen();
  publish(2, "form:output", "one");
  CHECK(site.broker.ready("orders@1.write") == 1);
  CHECK(site.broker.ready("orders@2.write") == 1);
  CHECK(site.broker.ready("orders@2.also") == 1);
  CHECK(site.broker.ready("orders@2.later") == 1);
}
