#include "app/topology.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "components/catalogue.hpp"
#include "flow/load.hpp"
#include "support/disk_broker.hpp"

using namespace millrace;
using namespace millrace::app;
using tests::DiskBroker;

namespace {

const component::Catalogue& catalogue() {
  static const auto all = components::make_catalogue();
  return all;
}

/// A flow file's plan; `steps` after a webhook called `form`.
flow::Plan plan_of(const std::string& steps) {
  const auto text = "name: orders\nsteps:\n  - { id: form, trigger: webhook.receive, config: { path: p } }\n" + steps;
  const auto flows = flow::load_text(text, "flow.yaml", catalogue(), [](std::string_view) { return std::nullopt; });
  REQUIRE(flows);
  return flow::make_plan(flows->front(), catalogue());
}

constexpr const char* log_step = "  - { id: write, action: message.log, after: form }\n";

struct Site {
  void declare(const std::vector<flow::Plan>& plans) {
    const auto done = app::declare(*broker, broker.session, plans, [this](const Error&) { ++failures; });
    REQUIRE(done);
    broker.settle();
  }
  void send(const std::string& key) { broker.publish("flow.orders", key, "{}"); }

  DiskBroker broker;
  int failures = 0;
};

}  // namespace

TEST_CASE("a declared flow takes a trigger's message to every step after it, and declaring it again changes nothing") {
  Site site;
  const auto plan = plan_of(std::string(log_step) + "  - { id: also, action: message.log, after: form }\n");
  site.declare({plan});
  site.declare({plan});
  site.send("form:output");
  CHECK(site.broker.ready("orders.write") == 1);
  CHECK(site.broker.ready("orders.also") == 1);
  site.send("write:error");
  CHECK(site.broker.ready("orders.dead-letters") == 1);
  CHECK(site.failures == 0);
}

TEST_CASE("an edited after moves the stream, and a step that is gone gets nothing new but keeps its messages") {
  Site site;
  site.declare({plan_of(std::string(log_step) + "  - { id: last, action: message.log, after: form }\n")});
  site.send("form:output");
  site.declare({plan_of(std::string(log_step) + "  - { id: final, action: message.log, after: write }\n")});
  site.send("form:output");
  site.send("write:output");
  CHECK(site.broker.ready("orders.write") == 2);
  CHECK(site.broker.ready("orders.final") == 1);
  CHECK(site.broker.ready("orders.last") == 1);
}

TEST_CASE("messages of what is no longer loaded are told as leftovers") {
  Site site;
  const auto before = plan_of(std::string(log_step) + "  - { id: last, action: message.log, after: form }\n");
  const auto after = plan_of(log_step);
  site.declare({before});
  CHECK(leftovers(*site.broker, {before}).empty());
  site.send("form:output");
  const auto left = leftovers(*site.broker, {after});
  REQUIRE(left.size() == 1);
  CHECK(left[0].queue == "orders.last");
  CHECK(left[0].messages == 1);
}

TEST_CASE("a queue with new settings is made anew once it is empty, and keeps its messages until then") {
  Site site;
  const auto patient = plan_of("  - { id: write, action: message.log, after: form, retry: { attempts: 9 } }\n");
  const auto hasty = plan_of("  - { id: write, action: message.log, after: form, retry: { attempts: 2 } }\n");
  site.declare({patient});
  site.send("form:output");
  site.declare({hasty});
  CHECK(site.broker.ready("orders.write") == 1);

  REQUIRE(site.broker->purge_queue(site.broker.session, "orders.write", nullptr));
  site.declare({hasty});
  const auto again = std::find_if(hasty.queues.begin(), hasty.queues.end(),
                                  [](const auto& queue) { return queue.name == "orders.write"; });
  CHECK(site.broker->declare_queue(site.broker.session, *again, nullptr));
  site.send("form:output");
  CHECK(site.broker.ready("orders.write") == 1);
}
