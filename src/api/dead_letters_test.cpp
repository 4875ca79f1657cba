#include <optional>

#include <doctest/doctest.h>

#include "api/broker_dead_letters.hpp"
#include "api/stored_dead_letters.hpp"
#include "flow/plan.hpp"
#include "store/flows.hpp"
#include "support/disk_broker.hpp"
#include "support/store_place.hpp"

using namespace millrace;
using api::BrokerDeadLetters;
using api::DeadLetter;
using api::DeadLetters;
using api::StoredDeadLetters;
using tests::DiskBroker;
namespace names = flow::names;

namespace {

/// A broker with the queues of two flows, each of one step, and dead letters somewhere.
class Office {
 public:
  Office() {
    for (const auto* flow : {"orders", "forms"}) {
      REQUIRE(broker->declare_exchange(broker.session, {.name = names::exchange(flow, 1), .arguments = {}}, nullptr));
      add_queue(flow, names::step_queue(flow, 1, "ship"), names::input_key("ship"));
      add_queue(flow, names::dead_letter_queue(flow), names::error_key("ship"));
    }
  }
  virtual ~Office() = default;
  virtual DeadLetters& letters() = 0;
  /// One more dead letter of the flow.
  virtual void add(const std::string& flow, const std::string& body, const amqp::FieldTable& headers,
                   const std::string& message_id) = 0;

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

  static amqp::FieldTable failure(const std::string& id) {
    amqp::FieldTable headers;
    headers.set("messageId", id);
    headers.set("threadId", "e-" + id);
    headers.set("errorCode", "http.status");
    headers.set("errorMessage", "answered 422");
    headers.set("errorDetails", R"({"status":422})");
    headers.set("failedAt", std::int64_t{1'700'000'000'000});
    headers.set("attempts", std::int32_t{4});
    headers.set("reboundIteration", std::int32_t{3});
    return headers;
  }

  void bury(const std::string& flow, const std::string& id, const std::string& body = R"({"body":1})") {
    add(flow, body, failure(id), id);
  }

  Result<DeadLetter> find(const std::string& id) {
    return answer<DeadLetter>([&](auto told) { letters().find(id, told); });
  }
  DeadLetters::Page page(const DeadLetters::Query& query, const std::optional<DeadLetters::Place>& after,
                         std::size_t limit) {
    return *answer<DeadLetters::Page>([&](auto told) { letters().page(query, after, limit, told); });
  }
  Status retry(const DeadLetter& letter, const DeadLetters::Retry& how = {}) {
    return answer<Done>([&](auto told) { letters().retry(letter, how, told); });
  }
  Status drop(const DeadLetter& letter) {
    return answer<Done>([&](auto told) { letters().drop(letter, told); });
  }
  DeadLetters::Changed look(DeadLetters::Change change) {
    return *answer<DeadLetters::Changed>([&](auto told) { letters().look(change, {}, told); });
  }
  DeadLetters::Some change_some(DeadLetters::Change change, const std::optional<DeadLetters::Place>& after,
                                std::uint64_t newest) {
    return *answer<DeadLetters::Some>([&](auto told) { letters().change_some(change, {}, after, newest, told); });
  }
  std::vector<std::string> ids(const std::string& flow = {}) {
    std::vector<std::string> result;
    for (const auto& letter : page({.flow = flow}, {}, 100).letters) result.push_back(letter.id);
    return result;
  }

  /// What is told in the end.
  template <class T, class Ask>
  Result<T> answer(Ask ask) {
    broker.run_until("what has come", [&] { return coming == 0; });
    std::optional<Result<T>> answer;
    ask(DeadLetters::Told<T>([&](Result<T> told) { answer = std::move(told); }));
    broker.run_until("an answer", [&] { return answer.has_value(); });
    broker.settle();
    return std::move(*answer);
  }

  DiskBroker broker;
  int coming = 0;  ///< dead letters that are on their way in
};

class BrokerOffice final : public Office {
 public:
  DeadLetters& letters() override { return letters_; }
  void add(const std::string& flow, const std::string& body, const amqp::FieldTable& headers,
           const std::string& message_id) override {
    const auto id = message_id.empty() ? std::nullopt : std::optional(message_id);
    broker.publish(names::exchange(flow, 1), names::error_key("ship"), body, headers, id);
  }

 private:
  BrokerDeadLetters letters_{*broker, broker.session};
};

class StoreOffice final : public Office {
 public:
  DeadLetters& letters() override { return letters_; }
  void add(const std::string& flow, const std::string& body, const amqp::FieldTable& headers,
           const std::string& message_id) override {
    ++coming;
    letters_.take_in(flow, message(flow, body, headers, message_id), [this](const Status& done) {
      CHECK(done);
      --coming;
    });
  }

  static broker::Message message(const std::string& flow, const std::string& body, const amqp::FieldTable& headers,
                                 const std::string& message_id) {
    amqp::Properties properties;
    properties.headers = headers;
    if (!message_id.empty()) properties.message_id = message_id;
    return {names::exchange(flow, 1), names::error_key("ship"), amqp::encode_properties(properties), body};
  }
  void wait_for_count(std::uint64_t waiting, std::uint64_t total) {
    broker.run_until("the count", [&] {
      const auto count = letters_.count("orders");
      return count.waiting == waiting && count.total == total;
    });
  }

  StoredDeadLetters::Parts parts() {
    return {broker.loop, *broker, broker.session, *store, std::chrono::milliseconds(5)};
  }

  tests::StorePlace place;
  std::unique_ptr<store::Store> store;
  io::posix::ThreadOffload offload{broker.loop};  // before the store, it ends what it has to do there
  StoredDeadLetters letters_{(store = place.open(offload), parts())};
};

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE_TEMPLATE("a dead letter tells what is known about its failure", Where, BrokerOffice, StoreOffice) {
  Where office;
  office.bury("orders", "m-1");
  const auto letter = office.find("m-1");
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

TEST_CASE_TEMPLATE("a message that the broker buried because its workers were lost says so", Where, BrokerOffice,
                   StoreOffice) {
  Where office;
  amqp::FieldTable headers;
  headers.set("messageId", "m-1");
  headers.set("x-delivery-count", std::int64_t{3});
  office.add("orders", "{}", headers, {});
  const auto letter = office.find("m-1");
  REQUIRE(letter);
  CHECK(letter->code == "worker.lost");
  // A foreign broker counts the deliveries of its queue of dead letters, not those before.
  CHECK(letter->attempts == (std::is_same_v<Where, BrokerOffice> ? 3 : 0));
  CHECK(letter->failed_at == 0);
}

TEST_CASE_TEMPLATE("dead letters without any id can be told apart and dropped", Where, BrokerOffice, StoreOffice) {
  Where office;
  office.add("orders", R"({"body":1})", {}, {});
  office.add("orders", R"({"body":2})", {}, {});
  const auto ids = office.ids();
  REQUIRE(ids.size() == 2);
  CHECK(ids[0] != ids[1]);
  REQUIRE(office.drop(*office.find(ids[1])));
  office.broker.settle();
  CHECK(office.ids() == Ids{ids[0]});
}

TEST_CASE_TEMPLATE("the list is of all flows or of one, oldest first", Where, BrokerOffice, StoreOffice) {
  Where office;
  office.bury("orders", "b-1");
  office.bury("orders", "a-2");
  office.bury("forms", "c-3");
  CHECK(office.ids("orders") == Ids{"b-1", "a-2"});
  CHECK(office.ids("forms") == Ids{"c-3"});
  CHECK(office.ids().size() == 3);
  CHECK(office.ids("gone").empty());
}

TEST_CASE_TEMPLATE("a beginning finds a dead letter if it is the only one", Where, BrokerOffice, StoreOffice) {
  Where office;
  office.bury("orders", "abc-1");
  office.bury("forms", "abc-2");
  office.bury("forms", "xyz");
  CHECK(office.find("x")->id == "xyz");
  CHECK(office.find("abc-2")->flow == "forms");
  CHECK(office.find("abc").error().kind == Error::Kind::invalid);
  CHECK(office.find("none").error().kind == Error::Kind::not_found);
}

TEST_CASE_TEMPLATE("a whole id finds its letter also where it is the beginning of another", Where, BrokerOffice,
                   StoreOffice) {
  Where office;
  office.bury("orders", "m-10");
  office.bury("orders", "m-1");
  REQUIRE(office.find("m-1"));
  CHECK(office.find("m-1")->id == "m-1");
}

TEST_CASE_TEMPLATE("a message put back is as on its first try, and no repeat to its queue", Where, BrokerOffice,
                   StoreOffice) {
  Where office;
  // The step's queue has had it: its dedup window knows the id.
  amqp::FieldTable headers;
  headers.set("messageId", "m-1");
  office.broker.publish("flow.orders@1", "ship:input", R"({"body":1})", headers, "m-1");
  REQUIRE(office.broker->purge_queue(office.broker.session, "orders@1.ship", nullptr));
  office.bury("orders", "m-1");

  REQUIRE(office.retry(*office.find("m-1")));
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

TEST_CASE_TEMPLATE("a dead letter whose step is gone stays where it is when it is to be retried", Where, BrokerOffice,
                   StoreOffice) {
  Where office;
  office.bury("orders", "m-1");
  REQUIRE(office.broker->delete_queue(office.broker.session, "orders@1.ship", false, false, nullptr));
  const auto done = office.retry(*office.find("m-1"));
  REQUIRE(!done);
  CHECK(done.error().kind == Error::Kind::not_found);
  office.broker.settle();
  CHECK(office.ids() == Ids{"m-1"});
}

TEST_CASE_TEMPLATE("a dead letter that the broker does not take back is still there", Where, BrokerOffice,
                   StoreOffice) {
  Where office;
  office.bury("orders", "m-1");
  REQUIRE(office.broker->delete_exchange(office.broker.session, "flow.orders@1", false, nullptr));
  CHECK(!office.retry(*office.find("m-1")));
  office.broker.settle();
  CHECK(office.ids() == Ids{"m-1"});
}

TEST_CASE_TEMPLATE("a dead letter goes back to the newest version that has its step, or to the one that is asked for",
                   Where, BrokerOffice, StoreOffice) {
  Where office;
  office.bury("orders", "m-1");
  office.bury("orders", "m-2");
  office.add_version("orders", 12);
  CHECK(office.find("m-1")->version == 1);
  REQUIRE(office.retry(*office.find("m-1")));
  REQUIRE(office.retry(*office.find("m-2"), {.version = 1}));
  office.broker.settle();
  CHECK(office.broker.ready("orders@12.ship") == 1);
  CHECK(office.broker.ready("orders@1.ship") == 1);
}

TEST_CASE_TEMPLATE("a dropped dead letter is gone, and its neighbours are not", Where, BrokerOffice, StoreOffice) {
  Where office;
  for (const auto* id : {"m-1", "m-2", "m-3"}) office.bury("orders", id);
  const auto second = *office.find("m-2");
  REQUIRE(office.drop(second));
  office.broker.settle();
  CHECK(office.ids() == Ids{"m-1", "m-3"});
  CHECK(office.drop(second).error().kind == Error::Kind::not_found);
}

TEST_CASE_TEMPLATE("a page goes on behind the last one, whatever has been dropped or come meanwhile", Where,
                   BrokerOffice, StoreOffice) {
  Where office;
  for (const auto* id : {"m-1", "m-2", "m-3", "m-4"}) office.bury("orders", id);
  office.bury("forms", "f-1");
  const auto first = office.page({}, {}, 3);  // by flow
  CHECK(first.letters[0].id == "f-1");
  CHECK(first.letters[2].id == "m-2");
  REQUIRE(first.next);
  REQUIRE(office.drop(*office.find("m-1")));
  REQUIRE(office.drop(*office.find("m-2")));
  office.bury("orders", "m-5");
  office.broker.settle();
  const auto place = DeadLetters::Place::parse(first.next->to_text());
  REQUIRE(place);
  const auto second = office.page({}, place, 3);
  REQUIRE(second.letters.size() == 3);
  CHECK(second.letters[0].id == "m-3");
  CHECK(second.letters[2].id == "m-5");
  CHECK_FALSE(second.next);
  for (const auto* text : {"", "7", "x.orders", ".orders", "-1.orders"}) {
    CAPTURE(text);
    CHECK_FALSE(DeadLetters::Place::parse(text));
  }
}

TEST_CASE_TEMPLATE("a query means step, code, words of the failure, and when it was", Where, BrokerOffice,
                   StoreOffice) {
  Where office;
  office.bury("orders", "m-1");
  const auto letter = *office.find("m-1");
  const auto means = [&](const DeadLetters::Query& query) { return letter.is_meant_by(query); };
  CHECK(means({}));
  CHECK(means({.flow = "orders", .step = "ship", .code = "http.status", .text = "422"}));
  CHECK_FALSE(means({.text = "teapot"}));
  CHECK_FALSE(means({.step = "sh"}));
  CHECK(means({.failed_before = 1'700'000'000'001, .failed_after = 1'699'999'999'999}));
  CHECK_FALSE(means({.failed_before = 1'700'000'000'000}));
  CHECK_FALSE(means({.failed_after = 1'700'000'000'000}));
}

TEST_CASE_TEMPLATE("many are put back batch by batch, once each, and what has no step stays", Where, BrokerOffice,
                   StoreOffice) {
  Where office;
  for (int n = 0; n < 1'100; ++n) office.bury("orders", "m-" + std::to_string(n));
  office.bury("forms", "f-1");
  REQUIRE(office.broker->delete_queue(office.broker.session, "forms@1.ship", false, false, nullptr));
  using Change = DeadLetters::Change;
  const auto found = office.look(Change::retry);
  CHECK(found.count == 1'100);
  REQUIRE(found.left.size() == 1);
  CHECK(found.left.begin()->first.find("flow forms no longer has a step ship") == 0);
  CHECK(office.look(Change::drop).count == 1'101);

  office.bury("orders", "late");  // after the look: it is left alone
  std::optional<DeadLetters::Place> place;
  std::size_t count = 0;
  int batches = 0;
  do {
    const auto done = office.change_some(Change::retry, place, found.newest);
    count += done.changed.count;
    place = done.next;
    ++batches;
  } while (place);
  office.broker.settle();
  CHECK(count == 1'100);
  CHECK(batches == 3);
  CHECK(office.broker.ready("orders@1.ship") == 1'100);
  CHECK(office.ids() == Ids{"f-1", "late"});
}

TEST_CASE_TEMPLATE("a message can be put back with another body", Where, BrokerOffice, StoreOffice) {
  Where office;
  office.bury("orders", "m-1", R"({"id":"m-1","body":{"n":1},"headers":{"a":"b"}})");
  REQUIRE(office.retry(*office.find("m-1"), {.body = R"({"n":2})"}));
  office.broker.settle();
  const auto back = office.broker.messages("orders@1.ship");
  REQUIRE(back.size() == 1);
  CHECK(back[0]->body.find(R"("body":{"n":2})") != std::string::npos);
  CHECK(back[0]->body.find(R"("headers":{"a":"b"})") != std::string::npos);
}

TEST_CASE("a failure that is taken in twice is one dead letter; the same message that fails again is another") {
  StoreOffice office;
  office.bury("orders", "m-1");
  auto again = Office::failure("m-1");
  again.set("failedAt", std::int64_t{1'700'000'000'999});  // its worker was killed before it had acknowledged
  again.set("x-delivery-count", std::int64_t{1});
  office.add("orders", R"({"body":1})", again, {});
  CHECK(office.ids() == Ids{"m-1"});
  CHECK(office.find("m-1")->failed_at == 1'700'000'000'000);

  REQUIRE(office.retry(*office.find("m-1")));
  const auto back = DiskBroker::headers_of(office.broker.messages("orders@1.ship").at(0));
  auto anew = Office::failure("m-1");
  anew.set("retries", back.integer("retries"));
  office.add("orders", R"({"body":1})", anew, {});
  CHECK(office.ids() == Ids{"m-1"});
  office.wait_for_count(1, 2);
}

TEST_CASE("one that comes without an id has the same one however often the queue delivers it") {
  StoreOffice office;
  amqp::FieldTable headers;
  office.add("orders", "{}", headers, {});
  headers.set("x-delivery-count", std::int64_t{2});
  office.add("orders", "{}", headers, {});
  CHECK(office.ids().size() == 1);
}

TEST_CASE("of two that put a dead letter back at once one does") {
  StoreOffice office;
  office.bury("orders", "m-1");
  StoredDeadLetters other(office.parts());
  const auto letter = *office.find("m-1");
  std::vector<Status> done;
  for (auto* letters : {&office.letters_, &other}) {
    letters->retry(letter, {}, [&](Status status) { done.push_back(std::move(status)); });
  }
  office.broker.run_until("both", [&] { return done.size() == 2; });
  office.broker.settle();
  CHECK(static_cast<bool>(done[0]) != static_cast<bool>(done[1]));
  CHECK(office.broker.ready("orders@1.ship") == 1);
  CHECK(office.ids().empty());
}

TEST_CASE("what another platform has done to the dead letters is seen a moment later") {
  StoreOffice office;
  office.bury("orders", "m-0");
  office.wait_for_count(1, 1);
  StoredDeadLetters other(office.parts());
  std::vector<std::string> told;
  office.letters_.watch_new([&](const std::string& flow) { told.push_back(flow); });
  const auto message = StoreOffice::message("orders", "{}", Office::failure("m-1"), {});
  REQUIRE(office.answer<Done>([&](auto done) { other.take_in("orders", message, done); }));
  office.wait_for_count(2, 2);
  CHECK(told == Ids{"orders"});
  REQUIRE(office.answer<Done>([&](auto done) { other.drop(*office.find("m-1"), done); }));
  office.wait_for_count(1, 2);
}

TEST_CASE("what no text of a database can be is stored, and what it came from goes back as it was") {
  StoreOffice office;
  auto headers = Office::failure("m-1");
  headers.set("errorMessage", std::string("a\0b\xff", 4));
  headers.set("threadId", std::string(5'000, 'x'));
  const std::string body("\0\xff", 2);
  office.add("orders", body, headers, {});
  CHECK(office.find("m-1")->reason == "a\uFFFDb\uFFFD");
  REQUIRE(office.retry(*office.find("m-1")));
  const auto back = office.broker.messages("orders@1.ship").at(0);
  CHECK(back->body == body);
  CHECK(DiskBroker::headers_of(back).text("threadId") == std::string(5'000, 'x'));
}

TEST_CASE("dead letters of a flow that is deleted are gone with it") {
  StoreOffice office;
  office.bury("orders", "m-1");
  office.bury("forms", "f-1");
  CHECK(office.ids() == Ids{"f-1", "m-1"});
  REQUIRE(office.store->now<Done>([](store::Database& database) { return store::Flows(database).remove("orders"); }));
  CHECK(office.ids() == Ids{"f-1"});
}
