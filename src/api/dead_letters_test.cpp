#include "api/dead_letters.hpp"

#include <doctest/doctest.h>

#include "flow/plan.hpp"
#include "support/disk_broker.hpp"

using namespace millrace;
using api::DeadLetters;
using tests::DiskBroker;
namespace names = flow::names;

namespace {

/// A broker with the queues of two flows, each of one step.
struct Office {
  Office() {
    for (const auto* flow : {"orders", "forms"}) {
      REQUIRE(broker->declare_exchange(broker.session, {.name = names::exchange(flow, 1), .arguments = {}}, nullptr));
      add_queue(flow, names::step_queue(flow, 1, "ship"), names::input_key("ship"));
      add_queue(flow, names::dead_letter_queue(flow), names::error_key("ship"));
    }
  }

  void add_version(const std::string& flow, std::int64_t version) {
    REQUIRE(
        broker->declare_exchange(broker.session, {.name = names::exchange(flow, version), .arguments = {}}, nullptr));
    const auto queue = names::step_queue(flow, version, "ship");
    REQUIRE(broker->declare_queue(broker.session, {.name = queue, .arguments = {}}, nullptr));
    REQUIRE(broker->bind_queue(broker.session, queue, names::exchange(flow, version), names::input_key("ship"), {},
                               nullptr));
  }

  void add_queue(const std::string& flow, const std::string& queue, const std::string& key) {
    amqp::FieldTable arguments;
    arguments.set("x-millrace-dedup-window", std::int64_t{60'000});
    REQUIRE(broker->declare_queue(broker.session, {.name = queue, .arguments = arguments}, nullptr));
    REQUIRE(broker->bind_queue(broker.session, queue, names::exchange(flow, 1), key, {}, nullptr));
  }

  void bury(const std::string& flow, const std::string& id, const std::string& body = R"({"body":1})") {
    amqp::FieldTable headers;
    headers.set("messageId", id);
    headers.set("threadId", "e-" + id);
    headers.set("errorCode", "http.status");
    headers.set("errorMessage", "answered 422");
    headers.set("errorDetails", R"({"status":422})");
    headers.set("failedAt", std::int64_t{1'700'000'000'000});
    headers.set("attempts", std::int32_t{4});
    headers.set("reboundIteration", std::int32_t{3});
    broker.publish(names::exchange(flow, 1), names::error_key("ship"), body, std::move(headers), id);
  }

  std::vector<std::string> ids(const std::string& flow = {}) {
    std::vector<std::string> result;
    for (const auto& letter : letters.page({.flow = flow}, {}, 100).letters) result.push_back(letter.id);
    return result;
  }

  DiskBroker broker;
  DeadLetters letters{*broker, broker.session};
};

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("a dead letter tells what is known about its failure") {
  Office office;
  office.bury("orders", "m-1");
  const auto letter = office.letters.find("m-1");
  REQUIRE(letter);
  CHECK(letter->flow == "orders");
  CHECK(letter->step == "ship");
  CHECK(letter->execution == "e-m-1");
  CHECK(letter->code == "http.status");
  CHECK(letter->reason == "answered 422");
  CHECK(letter->attempts == 4);
  CHECK(letter->failed_at == 1'700'000'000'000);
  const auto json = letter->to_json(true);
  CHECK(json.at("details").at("status") == 422);
  CHECK(json.at("message").at("body") == 1);
  CHECK(!letter->to_json(false).contains("message"));
}

TEST_CASE("a message that the broker buried because its workers were lost says so") {
  Office office;
  amqp::FieldTable headers;
  headers.set("messageId", "m-1");
  headers.set("x-delivery-count", std::int64_t{3});
  office.broker.publish("flow.orders@1", "ship:error", "{}", headers);
  const auto letter = office.letters.find("m-1");
  REQUIRE(letter);
  CHECK(letter->code == "worker.lost");
  CHECK(letter->attempts == 3);
  CHECK(letter->failed_at == 0);
}

TEST_CASE("dead letters without any id can be told apart and dropped") {
  Office office;
  office.broker.publish("flow.orders@1", "ship:error", R"({"body":1})");
  office.broker.publish("flow.orders@1", "ship:error", R"({"body":2})");
  const auto ids = office.ids();
  REQUIRE(ids.size() == 2);
  CHECK(ids[0] != ids[1]);
  REQUIRE(office.letters.drop(*office.letters.find(ids[1]), nullptr));
  office.broker.settle();
  CHECK(office.ids() == Ids{ids[0]});
}

TEST_CASE("the list is of all flows or of one, oldest first") {
  Office office;
  office.bury("orders", "b-1");
  office.bury("orders", "a-2");
  office.bury("forms", "c-3");
  CHECK(office.ids("orders") == Ids{"b-1", "a-2"});
  CHECK(office.ids("forms") == Ids{"c-3"});
  CHECK(office.ids().size() == 3);
  CHECK(office.ids("gone").empty());
}

TEST_CASE("a beginning finds a dead letter if it is the only one") {
  Office office;
  office.bury("orders", "abc-1");
  office.bury("forms", "abc-2");
  office.bury("forms", "xyz");
  CHECK(office.letters.find("x")->id == "xyz");
  CHECK(office.letters.find("abc-2")->flow == "forms");
  CHECK(office.letters.find("abc").error().kind == Error::Kind::invalid);
  CHECK(office.letters.find("none").error().kind == Error::Kind::not_found);
}

TEST_CASE("a whole id finds its letter also where it is the beginning of another") {
  Office office;
  office.bury("orders", "m-10");
  office.bury("orders", "m-1");
  REQUIRE(office.letters.find("m-1"));
  CHECK(office.letters.find("m-1")->id == "m-1");
}

TEST_CASE("a message put back is as on its first try, and no repeat to its queue") {
  Office office;
  // The step's queue has had it: its dedup window knows the id.
  amqp::FieldTable headers;
  headers.set("messageId", "m-1");
  office.broker.publish("flow.orders@1", "ship:input", R"({"body":1})", headers, "m-1");
  REQUIRE(office.broker->purge_queue(office.broker.session, "orders@1.ship", nullptr));
  office.bury("orders", "m-1");

  std::optional<Status> durable;
  REQUIRE(office.letters.retry(*office.letters.find("m-1"), {}, [&](Status status) { durable = std::move(status); }));
  office.broker.settle();
  REQUIRE(durable);
  CHECK(*durable);
  CHECK(office.ids().empty());
  const auto back = office.broker.messages("orders@1.ship");
  REQUIRE(back.size() == 1);
  CHECK(back[0]->body == R"({"body":1})");
  const auto kept = DiskBroker::headers_of(back[0]);
  CHECK(kept.text("messageId") == "m-1");
  CHECK(kept.text("threadId") == "e-m-1");
  for (const auto* name : {"errorCode", "errorMessage", "errorDetails", "failedAt", "attempts", "reboundIteration"}) {
    CHECK(kept.find(name) == nullptr);
  }
}

TEST_CASE("a dead letter whose step is gone stays where it is when it is to be retried") {
  Office office;
  office.bury("orders", "m-1");
  REQUIRE(office.broker->delete_queue(office.broker.session, "orders@1.ship", false, false, nullptr));
  const auto done = office.letters.retry(*office.letters.find("m-1"), {}, nullptr);
  REQUIRE(!done);
  CHECK(done.error().kind == Error::Kind::not_found);
  office.broker.settle();
  CHECK(office.ids() == Ids{"m-1"});
}

TEST_CASE("a dead letter that the broker does not take back is still there") {
  Office office;
  office.bury("orders", "m-1");
  REQUIRE(office.broker->delete_exchange(office.broker.session, "flow.orders@1", false, nullptr));
  CHECK(!office.letters.retry(*office.letters.find("m-1"), {}, nullptr));
  office.broker.settle();
  CHECK(office.ids() == Ids{"m-1"});
}

TEST_CASE("a dead letter goes back to the newest version that has its step, or to the one that is asked for") {
  Office office;
  office.bury("orders", "m-1");
  office.bury("orders", "m-2");
  office.add_version("orders", 12);
  CHECK(office.letters.find("m-1")->version == 1);
  REQUIRE(office.letters.retry(*office.letters.find("m-1"), {}, nullptr));
  REQUIRE(office.letters.retry(*office.letters.find("m-2"), {.version = 1}, nullptr));
  office.broker.settle();
  CHECK(office.broker.ready("orders@12.ship") == 1);
  CHECK(office.broker.ready("orders@1.ship") == 1);
}

TEST_CASE("a dropped dead letter is gone, and its neighbours are not") {
  Office office;
  for (const auto* id : {"m-1", "m-2", "m-3"}) office.bury("orders", id);
  const auto second = *office.letters.find("m-2");
  REQUIRE(office.letters.drop(second, nullptr));
  office.broker.settle();
  CHECK(office.ids() == Ids{"m-1", "m-3"});
  CHECK(office.letters.drop(second, nullptr).error().kind == Error::Kind::not_found);
}

TEST_CASE("a page goes on behind the last one, whatever has been dropped or come meanwhile") {
  Office office;
  for (const auto* id : {"m-1", "m-2", "m-3", "m-4"}) office.bury("orders", id);
  office.bury("forms", "f-1");
  const auto first = office.letters.page({}, {}, 3);  // by flow
  CHECK(first.letters[0].id == "f-1");
  CHECK(first.letters[2].id == "m-2");
  REQUIRE(first.next);
  REQUIRE(office.letters.drop(*office.letters.find("m-1"), nullptr));
  REQUIRE(office.letters.drop(*office.letters.find("m-2"), nullptr));
  office.bury("orders", "m-5");
  office.broker.settle();
  const auto place = DeadLetters::Place::parse(first.next->to_text());
  REQUIRE(place);
  const auto second = office.letters.page({}, place, 3);
  REQUIRE(second.letters.size() == 3);
  CHECK(second.letters[0].id == "m-3");
  CHECK(second.letters[2].id == "m-5");
  CHECK_FALSE(second.next);
  for (const auto* text : {"", "7", "x.orders", ".orders", "-1.orders"}) {
    CAPTURE(text);
    CHECK_FALSE(DeadLetters::Place::parse(text));
  }
}

TEST_CASE("a query means step, code, words of the failure, and when it was") {
  Office office;
  office.bury("orders", "m-1");
  const auto letter = *office.letters.find("m-1");
  const auto means = [&](const DeadLetters::Query& query) { return query.means(letter); };
  CHECK(means({}));
  CHECK(means({.flow = "orders", .step = "ship", .code = "http.status", .text = "422"}));
  CHECK_FALSE(means({.text = "teapot"}));
  CHECK_FALSE(means({.step = "sh"}));
  CHECK(means({.failed_before = 1'700'000'000'001, .failed_after = 1'699'999'999'999}));
  CHECK_FALSE(means({.failed_before = 1'700'000'000'000}));
  CHECK_FALSE(means({.failed_after = 1'700'000'000'000}));
}

TEST_CASE("many are put back batch by batch, once each, and what has no step stays") {
  Office office;
  for (int n = 0; n < 1'100; ++n) office.bury("orders", "m-" + std::to_string(n));
  office.bury("forms", "f-1");
  REQUIRE(office.broker->delete_queue(office.broker.session, "forms@1.ship", false, false, nullptr));
  using Change = DeadLetters::Change;
  const auto found = office.letters.look(Change::retry, {});
  CHECK(found.count == 1'100);
  REQUIRE(found.left.size() == 1);
  CHECK(found.left.begin()->first.find("flow forms no longer has a step ship") == 0);
  CHECK(office.letters.look(Change::drop, {}).count == 1'101);

  office.bury("orders", "late");  // after the look: it is left alone
  std::optional<DeadLetters::Place> place;
  std::size_t count = 0;
  int batches = 0;
  do {
    const auto done = office.letters.change_some(Change::retry, {}, place, found.newest, nullptr);
    REQUIRE(done);
    count += done->count;
    ++batches;
  } while (place);
  office.broker.settle();
  CHECK(count == 1'100);
  CHECK(batches == 3);
  CHECK(office.broker.ready("orders@1.ship") == 1'100);
  CHECK(office.ids() == Ids{"f-1", "late"});
}

TEST_CASE("a message can be put back with another body") {
  Office office;
  office.bury("orders", "m-1", R"({"id":"m-1","body":{"n":1},"headers":{"a":"b"}})");
  REQUIRE(office.letters.retry(*office.letters.find("m-1"), {.body = R"({"n":2})"}, nullptr));
  office.broker.settle();
  const auto back = office.broker.messages("orders@1.ship");
  REQUIRE(back.size() == 1);
  CHECK(back[0]->body.find(R"("body":{"n":2})") != std::string::npos);
  CHECK(back[0]->body.find(R"("headers":{"a":"b"})") != std::string::npos);
}
