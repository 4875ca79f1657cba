#include "deployment/startups.hpp"

#include <optional>

#include <doctest/doctest.h>

#include "support/disk_broker.hpp"
#include "support/inline_offload.hpp"

using namespace millrace;
using namespace millrace::deployment;
using Due = Startups::Due;
using Stage = Version::Stage;

namespace {

struct Site {
  Site() {
    auto opened = store::Store::open(offload, folder.path() + "/store.db");
    REQUIRE(opened);
    store = std::move(*opened);
    startups.emplace(*store, deployed);
    add(1);
  }

  void add(std::int64_t number) {
    flow::WorkerPlan worker;
    worker.flow = "calls";
    worker.version = number;
    worker.step = "calls";
    worker.settings.program.emplace();
    flow::Plan plan;
    plan.flow = "calls";
    plan.trigger.step = "calls";
    plan.workers.push_back(worker);
    deployed.add(flow(), {.number = number, .plan = std::move(plan)});
  }

  Flow& flow() { return deployed.add("calls"); }
  void set(std::int64_t version, Stage stage) { flow().versions.at(version).stage = stage; }
  const flow::WorkerPlan& worker(std::int64_t version = 1) {
    return deployed.find("calls", version)->plan.workers.front();
  }
  Due due(std::int64_t version = 1) { return startups->due(worker(version)); }
  bool shuts_down(std::int64_t version = 1) { return startups->is_shutdown_due("calls", version); }
  void start_up(std::int64_t version = 1) {
    CHECK(startups->begin_startup(worker(version)));
    startups->keep(worker(version), R"({"id":1})", [](const Status& kept) { CHECK(kept); });
  }
  Result<std::string> shut_down(std::int64_t version = 1) {
    Result<std::string> begun = Error{Error::Kind::io, "not told"};
    startups->begin_shutdown(worker(version), [&](const Result<std::string>& data) { begun = data; });
    return begun;
  }
  void forget(std::int64_t version = 1) {
    startups->remove(worker(version), [](const Status& removed) { CHECK(removed); });
  }
  /// As a platform that is killed and started again.
  void restart() {
    startups.emplace(*store, deployed);
    REQUIRE(startups->load());
  }

  tests::TemporaryFolder folder;
  tests::InlineOffload offload;
  std::unique_ptr<store::Store> store;
  Deployed deployed;
  std::optional<Startups> startups;
};

}  // namespace

TEST_CASE("a trigger starts up once, also across a restart, and shuts down when its flow stops") {
  Site site;
  CHECK(site.due() == Due::startup);
  site.start_up();
  CHECK(site.due() == Due::nothing);
  site.restart();
  CHECK(site.due() == Due::nothing);
  CHECK_FALSE(site.shuts_down());
  site.flow().state = store::FlowState::suspended;
  CHECK_FALSE(site.shuts_down());
  site.flow().state = store::FlowState::stopped;
  REQUIRE(site.shuts_down());
  CHECK(site.startups->shutdowns() == std::vector<orchestrator::WorkerKey>{{"calls", 1, "calls", 0}});
  const auto begun = site.shut_down();
  REQUIRE(begun);
  CHECK(*begun == R"({"id":1})");
  site.forget();
  CHECK_FALSE(site.shuts_down());
  site.restart();
  CHECK(site.startups->find(site.worker()) == nullptr);
}

TEST_CASE("only triggers on elastic.io's library have hooks, and only while their flow runs") {
  Site site;
  auto other = site.worker();
  other.step = "an-action";
  CHECK(site.startups->due(other) == Due::nothing);
  other = site.worker();
  other.settings.program->protocol = component::Program::Protocol::lines;
  CHECK(site.startups->due(other) == Due::nothing);
  site.flow().state = store::FlowState::suspended;
  CHECK(site.due() == Due::nothing);
}

TEST_CASE("a new version starts up when the one before has shut down") {
  Site site;
  site.start_up();
  site.add(2);
  site.set(1, Stage::draining);
  CHECK(site.due(2) == Due::waiting);
  CHECK(site.shuts_down(1));
  CHECK(site.startups->holds("calls", 1));
  REQUIRE(site.shut_down(1));
  site.forget(1);
  CHECK(site.due(2) == Due::startup);
  CHECK_FALSE(site.startups->holds("calls", 1));
}

TEST_CASE("a shutdown that has begun is gone through with, also when the flow is started again and after a kill") {
  Site site;
  site.start_up();
  site.flow().state = store::FlowState::stopped;
  REQUIRE(site.shut_down());
  site.flow().state = store::FlowState::running;
  site.restart();
  CHECK(site.shuts_down());
  CHECK(site.due() == Due::waiting);
  site.forget();
  CHECK(site.due() == Due::startup);
}

TEST_CASE("a startup hook that has begun may end, whatever becomes of the flow, but is not begun again") {
  Site site;
  CHECK(site.startups->begin_startup(site.worker()));
  auto other = site.worker();
  other.step = "an-action";
  CHECK_FALSE(site.startups->begin_startup(other));
  site.flow().state = store::FlowState::deleting;
  CHECK(site.due() == Due::startup);
  CHECK(site.startups->holds("calls", 1));
  SUBCASE("it ends") {
    site.startups->keep(site.worker(), "{}", [](const Status& kept) { CHECK(kept); });
    CHECK(site.shuts_down());
  }
  SUBCASE("its worker crashes and asks again") {
    CHECK_FALSE(site.startups->begin_startup(site.worker()));
    CHECK_FALSE(site.startups->holds("calls", 1));
  }
}

TEST_CASE("data is kept once, and a shutdown hook that fails five times is given up") {
  Site site;
  site.start_up();
  site.startups->keep(site.worker(), "{}", [](const Status& kept) {
    REQUIRE_FALSE(kept);
    CHECK(kept.error().kind == Error::Kind::conflict);
  });
  site.flow().state = store::FlowState::stopped;
  for (int i = 0; i < Startups::attempts_max; ++i) CHECK(site.shut_down());
  CHECK_FALSE(site.shut_down());
  CHECK_FALSE(site.shuts_down());
}
