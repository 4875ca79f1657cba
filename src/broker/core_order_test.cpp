#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "amqp/properties.hpp"
#include "broker/broker.hpp"
#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using broker::Settle;

namespace {

using Names = std::vector<std::string>;

/// A broker in virtual time with an ordered queue, whose consumers take what they are given and keep it.
class Site {
 public:
  struct Worker final : broker::ConsumerSink {
    bool ready() const override { return held.size() < prefetch; }
    void deliver(broker::Delivery delivery) override {
      got.push_back(delivery.message->body);
      held.emplace(delivery.message->body, std::move(delivery));
    }
    void cancelled(broker::ConsumerId) override {}

    std::size_t prefetch = 100;
    broker::SessionId session;
    broker::ConsumerId consumer;
    Names got;
    std::multimap<std::string, broker::Delivery> held;
  };

  Site() : disk(1) { start(); }

  void start() {
    broker = std::move(*broker::Broker::open(loop, disk, offload, {}));
    session = broker->begin_session();
    amqp::FieldTable arguments;
    arguments.set("x-millrace-ordered", true);
    REQUIRE(broker->declare_queue(session, {.name = "orders", .arguments = arguments}, {}));
    loop.run_for(10ms);
  }
  void crash() {
    broker = nullptr;
    disk.power_on(io::sim::Loss::nothing);
    start();
  }
  void add(Worker& worker) {
    worker.session = broker->begin_session();
    REQUIRE(broker->consume(worker.session, "orders", {}, worker, worker.consumer));
    loop.run_for(10ms);
  }

  /// `key`: the letters of the body.
  static broker::MessagePtr message(const std::string& body, std::optional<std::uint64_t> delay = {},
                                    std::uint64_t place = 0) {
    amqp::Properties properties;
    properties.delivery_mode = 2;
    properties.headers.emplace();
    const auto key = body.substr(0, body.find_first_of("0123456789"));
    if (!key.empty()) properties.headers->set("x-millrace-key", key);
    if (place != 0) properties.headers->set("x-millrace-place", static_cast<std::int64_t>(place));
    if (delay) properties.expiration = std::to_string(*delay);
    auto made = std::make_shared<broker::Message>();
    *made = {"", "orders", amqp::encode_properties(properties), body};
    return made;
  }
  void publish(const Names& bodies) {
    broker::Batch batch;
    for (const auto& body : bodies) batch.publishes.push_back(message(body));
    REQUIRE(broker->commit(session, batch, [](const Status& stored) { CHECK(stored); }));
    loop.run_for(10ms);
  }
  void settle(Worker& worker, const std::string& body, Settle how = Settle::ack) {
    settle_at_once(worker, body, how);
    loop.run_for(10ms);
  }
  void settle_at_once(Worker& worker, const std::string& body, Settle how = Settle::ack) {
    const auto held = worker.held.find(body);
    REQUIRE(held != worker.held.end());
    REQUIRE(broker->commit(worker.session, {{}, {{held->second.id, how}}}, [](const Status&) {}));
    worker.held.erase(held);
    broker->resume(worker.consumer);
  }
  /// In one transaction: the message in another form, for later, and its acknowledgement.
  void put_back(Worker& worker, const std::string& body, const std::string& as, std::uint64_t delay) {
    const auto held = worker.held.find(body);
    REQUIRE(held != worker.held.end());
    REQUIRE(broker->commit(worker.session, {{message(as, delay, held->second.place)}, {{held->second.id}}},
                           [](const Status&) {}));
    worker.held.erase(held);
    broker->resume(worker.consumer);
    loop.run_for(10ms);
  }
  Names waiting() {
    Names bodies;
    const auto messages = broker->peek("orders", 0, 1000);
    for (const auto& it : *messages) bodies.push_back(it->body);
    return bodies;
  }

  io::sim::SimLoop loop;
  io::sim::SimDisk disk;
  io::sim::SimOffload offload{loop};
  std::unique_ptr<broker::Broker> broker;
  broker::SessionId session;
};

}  // namespace

TEST_CASE("of each key one message is out at a time, the first; those of other keys and without one go on") {
  Site site;
  Site::Worker one;
  Site::Worker other;
  site.add(one);
  site.add(other);
  one.prefetch = other.prefetch = 2;
  site.publish({"a1", "a2", "b1", "a3", "7", "8", "b2"});
  auto all = one.got;
  all.insert(all.end(), other.got.begin(), other.got.end());
  std::sort(all.begin(), all.end());
  CHECK(all == Names{"7", "8", "a1", "b1"});
  CHECK(site.waiting() == Names{"a2", "a3", "b2"});
  const auto status = site.broker->queue("orders");
  CHECK(status->ready == 3);
  CHECK(status->unsettled == 4);

  auto& with_a = one.held.contains("a1") ? one : other;
  site.settle(with_a, "a1");
  CHECK(with_a.got.back() == "a2");
  CHECK(site.waiting() == Names{"a3", "b2"});
}

TEST_CASE("the next of a key goes out only when it is on disk that the one before it has left") {
  Site site;
  Site::Worker worker;
  site.add(worker);
  site.publish({"a1", "a2", "b1"});
  site.settle_at_once(worker, "a1");
  site.crash();
  Site::Worker again;
  site.add(again);
  CHECK(worker.got == Names{"a1", "b1"});
  CHECK(again.got == Names{"a1", "b1"});
}

TEST_CASE("what a worker had when it was lost, or gave back, comes again before the others of its key") {
  Site site;
  Site::Worker lost;
  site.add(lost);
  site.publish({"a1", "a2", "b1", "b2"});
  site.settle(lost, "b1", Settle::requeue);
  CHECK(lost.got == Names{"a1", "b1", "b1"});
  site.broker->end_session(lost.session, broker::SessionEnd::lost);
  Site::Worker next;
  site.add(next);
  CHECK(next.got == Names{"a1", "b1"});
  site.settle(next, "a1");
  site.settle(next, "b1");
  CHECK(next.got == Names{"a1", "b1", "a2", "b2"});
}

TEST_CASE("what is put back for later keeps its place, and its key waits for it, also across a crash") {
  Site site;
  Site::Worker worker;
  site.add(worker);
  site.publish({"a1", "a2", "b1", "7"});
  site.put_back(worker, "a1", "a1 again", 1'000);
  site.put_back(worker, "7", "7 again", 500);
  CHECK(worker.got == Names{"a1", "b1", "7"});
  CHECK(site.broker->queue("orders")->delayed == 2);
  CHECK(site.broker->queue("orders")->put_back_total == 2);
  CHECK(site.waiting() == Names{"a1 again", "a2", "7 again"});

  site.crash();
  CHECK(site.waiting() == Names{"a1 again", "a2", "b1", "7 again"});
  Site::Worker next;
  site.add(next);
  CHECK(next.got == Names{"b1"});
  site.loop.run_for(600ms);
  CHECK(next.got == Names{"b1", "7 again"});
  site.loop.run_for(600ms);
  CHECK(next.got == Names{"b1", "7 again", "a1 again"});
  site.settle(next, "a1 again");
  CHECK(next.got.back() == "a2");
}

TEST_CASE("a place can be taken only by whoever acknowledges its message in the same transaction") {
  Site site;
  Site::Worker worker;
  site.add(worker);
  site.publish({"a1", "a2"});
  const auto place = worker.held.begin()->second.place;
  REQUIRE(site.broker->commit(site.session, {{Site::message("a3", 1, place)}, {{worker.held.begin()->second.id}}},
                              [](const Status&) {}));
  site.loop.run_for(10ms);
  CHECK(worker.got == Names{"a1"});
  CHECK(site.waiting() == Names{"a2", "a3"});
}

TEST_CASE("a rejected message, and one that came back too often, frees its key") {
  Site site;
  Site::Worker worker;
  site.add(worker);
  site.publish({"a1", "a2"});
  site.settle(worker, "a1", Settle::reject);
  CHECK(worker.got == Names{"a1", "a2"});
}

TEST_CASE("a purge takes what is set aside as well; what comes later goes out") {
  Site site;
  Site::Worker worker;
  site.add(worker);
  site.publish({"a1", "a2", "a3"});
  CHECK(*site.broker->purge_queue(site.session, "orders", {}) == 2);
  site.publish({"a4"});
  CHECK(site.waiting() == Names{"a4"});
  site.settle(worker, "a1");
  CHECK(worker.got == Names{"a1", "a4"});
}

TEST_CASE("one hot key: a bounded number of its messages is set aside, the others stay on disk") {
  constexpr std::uint64_t hot = 101'000;
  Site site;
  for (std::uint64_t i = 0; i < hot; i += 1'000) {
    broker::Batch batch;
    for (int j = 0; j < 1'000; ++j) batch.publishes.push_back(Site::message("a1"));
    REQUIRE(site.broker->commit(site.session, batch, [](const Status&) {}));
    site.loop.run_for(1ms);
  }
  Site::Worker worker;
  site.add(worker);
  site.publish({"b1"});
  CHECK(worker.got == Names{"a1"});
  CHECK(site.broker->memory().unsettled == 100'001);
  CHECK(site.broker->queue("orders")->ready == hot);
  site.broker->resume(worker.consumer);
  site.loop.run_for(10ms);
  CHECK(site.broker->memory().unsettled == 100'001);
  for (int i = 0; i < 1'000; ++i) site.settle(worker, "a1");
  CHECK(std::count(worker.got.begin(), worker.got.end(), "b1") == 1);
}

TEST_CASE("what makes keys can be given; its failure is told to the consumer") {
  Site site;
  site.broker->order_by(
      [](const std::string& queue, const broker::Message& message) -> std::optional<broker::OrderKey> {
        if (queue != "orders") return std::nullopt;
        if (message.body == "bad") return broker::OrderKey{{}, "code: why"};
        return broker::OrderKey{"all"};
      });
  Site::Worker worker;
  site.add(worker);
  site.publish({"a1", "b1", "bad"});
  CHECK(worker.got == Names{"a1", "bad"});
  const auto properties = amqp::decode_properties(worker.held.find("bad")->second.message->properties);
  CHECK(properties->headers->text("x-millrace-order-failure") == "code: why");
}

TEST_CASE("an ordered queue is durable, shared, and has no rules that would disturb its order") {
  Site site;
  const auto refusal = [&](broker::QueueSpec spec, const char* name = nullptr) {
    spec.arguments.set("x-millrace-ordered", true);
    if (name != nullptr) spec.arguments.set(name, std::int64_t{5});
    const auto answer = site.broker->declare_queue(site.session, spec, {});
    return answer ? std::string() : answer.error().text;
  };
  CHECK(refusal({.name = "other", .durable = false, .arguments = {}}) ==
        "invalid arg 'x-millrace-ordered' for queue 'other' in vhost '/': only a durable queue that is shared has it");
  for (const auto* name : {"x-max-priority", "x-message-ttl", "x-max-length", "x-max-length-bytes"}) {
    CHECK(refusal({.name = "other", .arguments = {}}, name).find(std::string("invalid arg '") + name) == 0);
  }
}
