#include "component/step_worker.hpp"

#include <deque>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "broker/server.hpp"
#include "broker/users.hpp"
#include "component/step_settings.hpp"
#include "conformance/http_target.hpp"
#include "core/id.hpp"
#include "support/disk_broker.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using component::Emission;
using component::Finish;
using component::Outcome;
using component::StepWorker;
using component::Work;
using tests::DiskBroker;

namespace {

/// An action that does what the test says, and keeps what it was given.
struct Script {
  std::function<void(Work, Finish)> process;
  std::size_t concurrency = 1;
  std::vector<Work> seen;
  std::deque<Finish> open;  ///< of those that the test finishes itself
};

class Scripted final : public component::Action {
 public:
  explicit Scripted(Script& script) : script_(script) {}
  std::size_t concurrency() const override { return script_.concurrency; }
  void process(Work work, Finish finish) override {
    script_.seen.push_back(work);
    script_.process(std::move(work), std::move(finish));
  }

 private:
  Script& script_;
};

component::Catalogue catalogue_of(Script& script, component::Descriptor::Kind kind) {
  component::Function function;
  function.descriptor.component = "test";
  function.descriptor.name = "act";
  function.descriptor.kind = kind;
  function.make = [&script](const boost::json::object&,
                            component::Services&) -> Result<std::unique_ptr<component::Action>> {
    return std::unique_ptr<component::Action>(std::make_unique<Scripted>(script));
  };
  return component::Catalogue({function});
}

/// A worker of step b of flow a, with a real broker and a stand-in for the platform's API.
class Mill {
 public:
  explicit Mill(std::function<void(Work, Finish)> process,
                component::Descriptor::Kind kind = component::Descriptor::Kind::action)
      : catalogue_(catalogue_of(script, kind)), api_([this](const tests::SeenRequest&) {
          return tests::GivenResponse{.status = api_status, .body = settings.to_json()};
        }) {
    script.process = std::move(process);
    settings.id = "b";
    settings.component = "test";
    settings.function = "act";
    settings.retry = {1s, 2, 60s, 3, {}};
    REQUIRE(broker->declare_exchange(broker.session, {.name = "flow.a", .arguments = {}}, nullptr));
    for (const auto& [queue, key] : std::vector<std::pair<std::string, std::string>>{
             {"a.b", "b:input"}, {"next", "b:output"}, {"saved", "b:snapshot"}, {"dead", "b:error"}}) {
      REQUIRE(broker->declare_queue(broker.session, {.name = queue, .arguments = {}}, nullptr));
      REQUIRE(broker->bind_queue(broker.session, queue, "flow.a", key, {}, nullptr));
    }
    REQUIRE(broker->declare_queue(broker.session, {.name = "later", .arguments = {}}, nullptr));
    REQUIRE(broker->bind_queue(broker.session, "later", "flow.a", "b:rebound", {}, nullptr));
    users_.add("worker-1", "secret");
    listen(0);
  }

  void start() {
    component::WorkerEnvironment environment;
    environment.flow_id = "a";
    environment.step_id = "b";
    environment.container_id = "worker-1";
    environment.api_uri = api_.url();
    environment.api_username = "worker-1";
    environment.api_key = "secret";
    environment.amqp_uri = fmt::format("amqp://worker-1:secret@127.0.0.1:{}/%2F", server_->port());
    environment.listen_messages_on = "a.b";
    environment.publish_messages_to = "flow.a";
    environment.data_routing_key = "b:output";
    environment.error_routing_key = "b:error";
    environment.rebound_routing_key = "b:rebound";
    environment.snapshot_routing_key = "b:snapshot";
    environment.commits = commits;
    worker_.emplace(broker.loop, catalogue_, std::move(environment),
                    [this](Status status) { ended = std::move(status); });
  }

  void put(std::string id, std::string body) {
    amqp::FieldTable headers;
    headers.set("messageId", id);
    headers.set("threadId", "e-1");
    broker.publish("flow.a", "b:input", R"({"body":)" + std::move(body) + "}", std::move(headers), id);
  }

  /// Nothing waits on the step's queue or is in work.
  bool idle() { return broker->queue("a.b")->ready + broker->queue("a.b")->unsettled == 0; }
  void run_until_idle() {
    broker.run_until("the step's queue is empty and settled", [this] { return idle(); });
    broker.settle();  // an acknowledgement counts at once, what came with it arrives when it is durable
  }
  void drain() {
    worker_->drain();
    broker.run_until("the worker has ended", [this] { return ended.has_value(); });
  }
  void fence() { users_.retire("worker-1"); }
  /// The broker's connections are cut, and it takes new ones.
  void interrupt() {
    const auto port = server_->port();
    server_.reset();
    listen(port);
  }
  /// Bodies of what the worker has sent to the platform's API with this method.
  std::vector<std::string> sent(std::string_view method) const {
    std::vector<std::string> bodies;
    for (const auto& request : api_.seen()) {
      if (request.method == method) bodies.push_back(request.body);
    }
    return bodies;
  }

  Script script;
  component::StepSettings settings;
  int api_status = 200;
  std::string commits;  ///< WorkerEnvironment::commits
  std::optional<Status> ended;
  DiskBroker broker;

 private:
  void listen(std::uint16_t port) {
    server_ = std::move(*broker::Server::listen(broker.loop, *broker, users_, "127.0.0.1", port));
  }

  component::Catalogue catalogue_;
  tests::HttpTarget api_;
  broker::Users users_;
  std::unique_ptr<broker::Server> server_;
  std::optional<StepWorker> worker_;
};

void pass_on(const Work& work, const Finish& finish) {
  finish(Outcome::done({{.body = std::string(work.message.body())}}));
}

}  // namespace

TEST_CASE("what an action emits and the acknowledgement of its input take effect, in the order of the queue") {
  Mill mill(pass_on);
  for (int i = 0; i < 50; ++i) mill.put(fmt::format("m-{}", i), std::to_string(i));
  mill.start();
  mill.run_until_idle();
  const auto out = mill.broker.messages("next");
  REQUIRE(out.size() == 50);
  for (int i = 0; i < 50; ++i) {
    const auto headers = DiskBroker::headers_of(out[static_cast<std::size_t>(i)]);
    CHECK(headers.text("parentMessageId") == fmt::format("m-{}", i));
    CHECK(headers.text("messageId") == child_message_id(fmt::format("m-{}", i), "b", 0));
    CHECK(headers.text("threadId") == "e-1");
  }
  mill.drain();
  CHECK(*mill.ended);
}

TEST_CASE("a message for which when is not true is settled without the action") {
  Mill mill(pass_on);
  mill.settings.when = "body > 1";
  mill.put("m-1", "1");
  mill.put("m-2", "2");
  mill.start();
  mill.run_until_idle();
  CHECK(mill.broker.ready("next") == 1);
  CHECK(mill.script.seen.size() == 1);
  CHECK(mill.script.seen.at(0).message_id == "m-2");
}

TEST_CASE("a message that cannot be processed is a dead letter as it came, and its neighbours go on") {
  Mill mill([](const Work& work, const Finish& finish) {
    if (work.message.body() == "2") throw std::runtime_error("two is too much");
    if (work.message.body() == "3") return finish(Outcome::dead({"test.three", "no threes"}));
    pass_on(work, finish);
  });
  mill.broker.publish("flow.a", "b:input", "no JSON");
  for (const auto* body : {"1", "2", "3", "4"}) mill.put(std::string("m-") + body, body);
  mill.start();
  mill.run_until_idle();
  CHECK(mill.broker.ready("next") == 2);
  const auto dead = mill.broker.messages("dead");
  REQUIRE(dead.size() == 3);
  CHECK(dead[0]->body == "no JSON");
  CHECK(DiskBroker::headers_of(dead[0]).text("errorCode") == "message.not_json");
  CHECK(dead[1]->body == R"({"body":2})");
  CHECK(DiskBroker::headers_of(dead[1]).text("errorCode") == "action.exception");
  CHECK(DiskBroker::headers_of(dead[1]).text("errorMessage") == "two is too much");
  CHECK(DiskBroker::headers_of(dead[2]).text("errorCode") == "test.three");
}

TEST_CASE(
    "a rebound goes to the rebound queue in the commit that settles it, and the last attempt to the dead letters") {
  Mill mill([](const Work&, const Finish& finish) { finish(Outcome::later({"test.down", "the target is down"})); });
  mill.put("m-1", "1");
  amqp::FieldTable headers;
  headers.set("messageId", "m-2");
  headers.set("reboundIteration", std::int32_t{2});
  mill.broker.publish("flow.a", "b:input", R"({"body":2})", headers);
  mill.start();
  mill.run_until_idle();
  const auto later = mill.broker.messages("later");
  REQUIRE(later.size() == 1);
  CHECK(DiskBroker::headers_of(later[0]).integer("reboundIteration") == 1);
  CHECK(mill.script.seen.at(1).attempt == 3);
  const auto dead = mill.broker.messages("dead");
  REQUIRE(dead.size() == 1);
  CHECK(DiskBroker::headers_of(dead[0]).integer("attempts") == 3);
}

TEST_CASE("losses and rebounds are counted together: a message that has both is not tried for ever") {
  Mill mill([](const Work&, const Finish& finish) { finish(Outcome::later({"test.down", "the target is down"})); });
  const auto put = [&mill](const char* id, std::int32_t rebounds, std::int64_t losses) {
    amqp::FieldTable headers;
    headers.set("messageId", id);
    headers.set("reboundIteration", rebounds);
    headers.set("x-delivery-count", losses);
    mill.broker.publish("flow.a", "b:input", R"({"body":1})", headers);
  };
  put("lost once", 0, 1);
  put("lost twice after its last rebound", 2, 2);
  mill.start();
  mill.run_until_idle();
  REQUIRE(mill.script.seen.size() == 1);
  CHECK(mill.script.seen[0].message_id == "lost once");
  const auto later = mill.broker.messages("later");
  REQUIRE(later.size() == 1);
  CHECK(DiskBroker::headers_of(later[0]).integer("reboundIteration") == 2);
  CHECK(DiskBroker::headers_of(later[0]).integer("x-delivery-count", -1) == -1);
  const auto dead = mill.broker.messages("dead");
  REQUIRE(dead.size() == 1);
  CHECK(DiskBroker::headers_of(dead[0]).text("errorCode") == "worker.lost");
  CHECK(DiskBroker::headers_of(dead[0]).integer("attempts") == 4);
}

TEST_CASE("a polling trigger commits page by page, and its tick only with the last") {
  int pages = 0;
  Mill mill(
      [&pages](const Work& work, const Finish& finish) {
        CHECK(work.snapshot == (pages == 0 ? R"({"page":"saved"})" : fmt::format(R"({{"page":{}}})", pages)));
        ++pages;
        Outcome outcome = Outcome::done({{.body = std::to_string(pages)}, {.body = std::to_string(pages)}});
        outcome.snapshot = fmt::format(R"({{"page":{}}})", pages);
        outcome.more = pages < 3;
        finish(std::move(outcome));
      },
      component::Descriptor::Kind::polling_trigger);
  mill.settings.snapshot = R"({"page":"saved"})";
  mill.put("tick", "{}");
  mill.start();
  mill.run_until_idle();
  CHECK(pages == 3);
  CHECK(mill.broker.messages("saved").back()->body == R"({"page":3})");
  const auto out = mill.broker.messages("next");
  REQUIRE(out.size() == 6);
  for (std::size_t i = 0; i < out.size(); ++i) {
    CHECK(DiskBroker::headers_of(out[i]).text("messageId") == child_message_id("tick", "b", i));
  }
}

TEST_CASE("a drained worker finishes what it has in hand and leaves the rest on the queue, uncounted") {
  Mill mill([](const Work&, const Finish&) {});
  mill.script.process = [&mill](const Work&, Finish finish) { mill.script.open.push_back(std::move(finish)); };
  mill.script.concurrency = 2;
  for (const auto* body : {"1", "2", "3", "4"}) mill.put(std::string("m-") + body, body);
  mill.start();
  mill.broker.run_until("two messages are in work", [&] { return mill.script.open.size() == 2; });
  mill.broker.loop.post([&] {
    for (auto& finish : mill.script.open) finish(Outcome::done({{.body = "1"}}));
  });
  mill.drain();
  CHECK(*mill.ended);
  mill.broker.settle();
  CHECK(mill.script.seen.size() == 2);
  CHECK(mill.broker.ready("next") == 2);
  mill.broker.run_until("the others are back", [&] { return mill.broker.ready("a.b") == 2; });
}

TEST_CASE("a worker whose user is retired ends, and what it still does has no effect") {
  Mill mill([](const Work&, const Finish&) {});
  mill.script.process = [&mill](const Work&, Finish finish) { mill.script.open.push_back(std::move(finish)); };
  mill.put("m-1", "1");
  mill.start();
  mill.broker.run_until("the message is in work", [&] { return mill.script.open.size() == 1; });
  mill.fence();
  mill.script.open.front()(Outcome::done({{.body = "1"}}));
  mill.broker.run_until("the worker has ended", [&] { return mill.ended.has_value(); });
  CHECK(!*mill.ended);
  mill.broker.run_until("the message is back", [&] { return mill.broker.ready("a.b") == 1; });
  CHECK(mill.broker.ready("next") == 0);
}

TEST_CASE("with confirms outputs are confirmed before the input is acknowledged, and snapshots go to the platform") {
  int pages = 0;
  Mill mill(
      [&pages](const Work&, const Finish& finish) {
        Outcome outcome = Outcome::done({{.body = std::to_string(++pages)}});
        outcome.snapshot = fmt::format(R"({{"page":{}}})", pages);
        outcome.more = pages < 2;
        finish(std::move(outcome));
      },
      component::Descriptor::Kind::polling_trigger);
  mill.commits = "confirms";
  mill.put("tick", "{}");
  mill.start();
  mill.run_until_idle();
  CHECK(mill.broker.ready("next") == 2);
  CHECK(mill.broker.ready("saved") == 0);
  CHECK(mill.sent("PUT") == std::vector<std::string>{R"({"page":1})", R"({"page":2})"});
  mill.drain();
  CHECK(*mill.ended);
}

TEST_CASE("with confirms a worker outlives its broker: what it had in hand ends without effect and comes again") {
  Mill mill([](const Work&, const Finish&) {});
  mill.script.process = [&mill](const Work&, Finish finish) { mill.script.open.push_back(std::move(finish)); };
  mill.commits = "confirms";
  mill.put("m-1", "1");
  mill.start();
  mill.broker.run_until("the message is in work", [&] { return mill.script.open.size() == 1; });
  mill.interrupt();
  mill.broker.run_until("the message is back", [&] { return mill.broker.ready("a.b") == 1; });
  mill.broker.loop.post([&] { mill.script.open.at(0)(Outcome::done({{.body = "0"}})); });
  mill.broker.run_until("it is in work again", [&] { return mill.script.open.size() == 2; });
  mill.broker.loop.post([&] { mill.script.open.at(1)(Outcome::done({{.body = "1"}})); });
  mill.run_until_idle();
  CHECK(mill.broker.ready("next") == 1);
  CHECK(mill.script.seen.at(1).attempt == 2);
  CHECK_FALSE(mill.ended);
  mill.drain();
  CHECK(*mill.ended);
  CHECK(mill.broker.ready("next") == 1);
}

TEST_CASE("with confirms a worker tells its platform of itself") {
  Mill mill([](const Work& work, const Finish& finish) {
    if (work.message.body() == "2") return finish(Outcome::dead({"test.two", "no twos"}));
    if (work.message.body() == "3") return finish(Outcome::later({"test.three", "not yet"}));
    pass_on(work, finish);
  });
  mill.commits = "confirms";
  mill.settings.when = "body < 4";
  for (const auto* body : {"1", "2", "3", "4", "1"}) mill.put(std::string("m-") + body, body);
  mill.start();
  mill.run_until_idle();
  const std::string told = R"({"connected":true,"in_work":0,"done":2,"filtered":1,"dead":1,"rebounds":1})";
  mill.broker.run_until("the platform knows it", [&] {
    const auto all = mill.sent("POST");
    return !all.empty() && all.back() == told;
  });
  CHECK(mill.sent("POST").front().starts_with(R"({"connected":false,"in_work":0,"done":0)"));
  CHECK(mill.broker.ready("dead") == 1);
}

TEST_CASE("a worker that cannot have its settings, its function or its mappings ends with the reason") {
  const auto reason_of = [](const std::function<void(Mill&)>& spoil) {
    Mill mill(pass_on);
    spoil(mill);
    mill.start();
    mill.broker.run_until("the worker has ended", [&] { return mill.ended.has_value(); });
    REQUIRE(!*mill.ended);
    return mill.ended->error().message;
  };
  CHECK(reason_of([](Mill& mill) { mill.api_status = 403; }).find("403") != std::string::npos);
  CHECK(reason_of([](Mill& mill) { mill.settings.function = "gone"; }).find("test.gone") != std::string::npos);
  CHECK(reason_of([](Mill& mill) { mill.settings.input = "("; }).find("input") != std::string::npos);
}
