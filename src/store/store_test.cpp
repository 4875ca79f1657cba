#include "store/store.hpp"

#include <filesystem>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/answers.hpp"
#include "store/audit.hpp"
#include "store/changes.hpp"
#include "store/flows.hpp"
#include "store/postgresql/connection.hpp"
#include "store/tokens.hpp"
#include "support/inline_offload.hpp"
#include "support/store_place.hpp"

namespace {

using namespace millrace;
using store::Flows;
using store::Store;

using Place = tests::StorePlace;

std::unique_ptr<Store> open(io::Offload& offload, const Place& place) {
  return place.open(offload);
}

template <class T>
Result<T> in(Store& store, std::function<Result<T>(store::Database&)> work) {
  return store.now<T>(work);
}

Result<store::VersionRecord> publish(Store& store, const std::string& name, const std::string& text,
                                     std::vector<store::Address> webhooks = {}) {
  return in<store::VersionRecord>(store, [&](store::Database& database) -> Result<store::VersionRecord> {
    Flows flows(database);
    const auto saved = flows.save({name, text, "grace", "api", 1'000}, std::nullopt);
    if (!saved) return saved.error();
    return flows.publish({name, text, "", "grace", 2'000, webhooks});
  });
}

}  // namespace

TEST_CASE("a store keeps what was committed") {
  tests::InlineOffload offload;
  Place place;
  {
    const auto store = open(offload, place);
    REQUIRE(publish(*store, "orders", "name: orders"));
  }
  const auto store = open(offload, place);
  const auto flow = in<store::FlowRecord>(*store, [](auto& database) { return Flows(database).find("orders"); });
  REQUIRE(flow);
  CHECK(flow->draft == "name: orders");
  CHECK(flow->state == store::FlowState::running);
  CHECK(flow->current == 1);
}

TEST_CASE("what a transaction did before it failed is as if never done") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  const auto done = in<Done>(*store, [](store::Database& database) -> Result<Done> {
    REQUIRE(Flows(database).save({"orders", "x", "grace", "api", 1}, 0));
    return Error{Error::Kind::invalid, "no"};
  });
  CHECK(!done);
  CHECK(done.error().message == "no");
  CHECK(in<std::vector<store::FlowRecord>>(*store, [](auto& db) { return Flows(db).list("", 10); })->empty());
}

TEST_CASE("a process that is killed in the middle of a transaction leaves what was committed before it") {
  tests::InlineOffload offload;
  Place place;
  const auto child = ::fork();
  if (child == 0) {
    auto store = Store::open(offload, place.where);
    if (!store || !publish(**store, "orders", "first")) ::_exit(1);
    static_cast<void>((*store)->now<Done>([](store::Database& database) -> Result<Done> {
      static_cast<void>(Flows(database).save({"orders", "second", "grace", "api", 3}, std::nullopt));
      ::kill(::getpid(), SIGKILL);
      return Done{};
    }));
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  const auto store = open(offload, place);
  const auto flow = in<store::FlowRecord>(*store, [](auto& database) { return Flows(database).find("orders"); });
  REQUIRE(flow);
  CHECK(flow->draft == "first");
}

TEST_CASE("the second of two writers of one draft is told that it is stale") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  const auto save = [&](const std::string& text, std::optional<std::int64_t> expected) {
    return in<store::FlowRecord>(*store, [&](auto& db) {
      return Flows(db).save({"orders", text, "grace", "api", 1}, expected);
    });
  };
  const auto first = save("one", 0);
  REQUIRE(first);
  REQUIRE(save("two", first->revision));
  const auto late = save("three", first->revision);
  REQUIRE(!late);
  CHECK(late.error().kind == Error::Kind::stale);
  CHECK(!save("four", 0));
}

TEST_CASE("a new version is current, the one before it drains until it is retired") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  REQUIRE(publish(*store, "orders", "one"));
  REQUIRE(publish(*store, "orders", "two"));
  const auto in_use = [&] { return in<store::FlowInUse>(*store, [](auto& db) { return Flows(db).in_use("orders"); }); };
  auto now = in_use();
  REQUIRE(now);
  REQUIRE(now->versions.size() == 2);
  CHECK(now->versions[0].state == store::VersionState::draining);
  CHECK(now->versions[0].source == "one");
  CHECK(now->versions[1].state == store::VersionState::current);
  REQUIRE(in<Done>(*store, [](auto& db) { return Flows(db).retire("orders", 1); }));
  CHECK(in_use()->versions.size() == 1);
  SUBCASE("and one that is current is not retired") {
    REQUIRE(in<Done>(*store, [](auto& db) { return Flows(db).retire("orders", 2); }));
    CHECK(in_use()->versions.size() == 1);
  }
  SUBCASE("and can be used again") {
    REQUIRE(in<Done>(*store, [](auto& db) { return Flows(db).revive("orders", 1); }));
    CHECK(in_use()->versions.size() == 2);
  }
}

TEST_CASE("a webhook belongs to one flow") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  REQUIRE(publish(*store, "orders", "one", {{"in", "POST"}}));
  const auto other = publish(*store, "invoices", "one", {{"in", "POST"}});
  REQUIRE(!other);
  CHECK(other.error().kind == Error::Kind::conflict);
  CHECK(other.error().message.find("orders") != std::string::npos);
  CHECK(publish(*store, "invoices", "one", {{"in", "PUT"}}));
  CHECK(publish(*store, "orders", "two", {{"in", "POST"}}));
  REQUIRE(in<Done>(*store, [](auto& db) { return Flows(db).remove("orders"); }));
  CHECK(publish(*store, "invoices", "two", {{"in", "POST"}}));
}

TEST_CASE("a token is found by its text") {
  tests::InlineOffload offload;
  Place place;
  store::NewToken made;
  {
    const auto store = open(offload, place);
    const auto created = in<store::NewToken>(*store, [](auto& db) {
      return store::Tokens(db).create({{}, "ci", {"flows:read", "operate"}, "local", 5});
    });
    REQUIRE(created);
    made = *created;
    const auto find = [&](std::string_view text) {
      return in<store::Token>(*store, [&](auto& db) { return store::Tokens(db).find(text, 10); });
    };
    const auto found = find(made.text);
    REQUIRE(found);
    CHECK(found->name == "ci");
    CHECK(found->scopes == std::vector<std::string>{"flows:read", "operate"});
    CHECK(!find(made.text + "0"));
    CHECK(!find(made.text.substr(0, made.text.size() - 1)));
    CHECK(!find(""));
    CHECK(!find("millrace_"));
    REQUIRE(in<store::Token>(*store, [&](auto& db) { return store::Tokens(db).remove(made.token.id); }));
    CHECK(!find(made.text));
  }
}

TEST_CASE("an expired token is none") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  const auto made = in<store::NewToken>(*store, [](auto& db) {
    return store::Tokens(db).create({{}, "ci", {"admin"}, "local", 5, 100});
  });
  REQUIRE(made);
  const auto find = [&](std::int64_t now) {
    return bool(in<store::Token>(*store, [&](auto& db) { return store::Tokens(db).find(made->text, now); }));
  };
  CHECK(find(99));
  CHECK(!find(100));
}

TEST_CASE("the audit log is told newest first, page by page") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  for (const auto* subject : {"flow/a", "flow/b", "flow/a"}) {
    REQUIRE(in<Done>(*store, [&](auto& db) {
      return store::Audit(db).write({0, 7, "token ci", "flow.stop", subject, "running", "stopped"});
    }));
  }
  const auto list = [&](const std::string& subject, std::int64_t before) {
    return *in<std::vector<store::AuditEntry>>(*store,
                                               [&](auto& db) { return store::Audit(db).list(subject, before, 2); });
  };
  const auto first = list("", 0);
  REQUIRE(first.size() == 2);
  CHECK(first[0].number == 3);
  CHECK(list("", first[1].number).size() == 1);
  CHECK(list("flow/a", 0).size() == 2);
  CHECK(list("flow/b", 0)[0].after == "stopped");
}

TEST_CASE("an answer is kept for its key for a day") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  const auto find = [&](std::int64_t now) {
    return *in<std::optional<store::KeptAnswer>>(*store,
                                                 [&](auto& db) { return store::Answers(db).find("ci", "k", now); });
  };
  const auto keep = [&](const std::string& body, std::int64_t now) {
    return in<Done>(*store, [&](auto& db) { return store::Answers(db).keep("ci", "k", {"digest", 201, body}, now); });
  };
  CHECK(!find(1));
  REQUIRE(keep("first", 1));
  REQUIRE(keep("second", 2));
  REQUIRE(find(3));
  CHECK(find(3)->body == "first");
  CHECK(!find(store::Answers::kept_for + 1));
  REQUIRE(keep("third", store::Answers::kept_for + 1));
  CHECK(find(store::Answers::kept_for + 2)->body == "third");
}

TEST_CASE("texts are ordered by their bytes, and hold what people write") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  for (const auto* name : {"b", "B", "a-1", "a1"}) REQUIRE(publish(*store, name, "Grüße, 'quoted' \\ $1 \n"));
  const auto found = in<std::vector<store::FlowRecord>>(*store, [](auto& db) { return Flows(db).list("B", 10); });
  REQUIRE(found);
  REQUIRE(found->size() == 3);
  CHECK((*found)[0].name == "a-1");
  CHECK((*found)[1].name == "a1");
  CHECK((*found)[2].name == "b");
  CHECK(in<store::FlowRecord>(*store, [](auto& db) { return Flows(db).find("b"); })->draft ==
        "Grüße, 'quoted' \\ $1 \n");
}

TEST_CASE("a taken key is a conflict, and the store goes on") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  const auto create = [&] {
    return in<store::NewToken>(*store, [](auto& db) {
      return store::Tokens(db).create({{}, "ci", {"admin"}, "local", 5});
    });
  };
  REQUIRE(create());
  const auto again = create();
  REQUIRE(!again);
  CHECK(again.error().kind == Error::Kind::conflict);
  CHECK(publish(*store, "orders", "one"));
}

TEST_CASE("of two that share a store and change the same thing at once both do, one after the other") {
  tests::InlineOffload offload;
  Place place;
  const bool is_server = store::postgresql::is_url(place.where);
  const auto east = place.open(offload, store::Sharing::with_members);
  const auto west = is_server ? place.open(offload, store::Sharing::with_members) : nullptr;
  REQUIRE(publish(*east, "orders", "first"));
  if (!west) return;  // a file is one platform's
  int tries = 0;
  const auto saved = east->now<store::FlowRecord>([&](store::Database& database) -> Result<store::FlowRecord> {
    const auto flow = Flows(database).find("orders");
    if (!flow) return flow.error();
    if (++tries == 1) REQUIRE(publish(*west, "orders", "second"));
    return Flows(database).save({"orders", flow->draft + ", third", "grace", "api", 9}, flow->revision);
  });
  REQUIRE(saved);
  CHECK(tries == 2);
  const auto flow = in<store::FlowRecord>(*east, [](auto& database) { return Flows(database).find("orders"); });
  CHECK(flow->draft == "second, third");
  CHECK(flow->current == 2);
}

TEST_CASE("who has seen a change has seen all before it, and each subject is told of once") {
  tests::InlineOffload offload;
  Place place;
  const auto store = open(offload, place);
  const auto since = [&](std::int64_t number) {
    std::vector<std::string> names;
    const auto found = in<std::vector<store::Changes::Subject>>(
        *store, [number](auto& database) { return store::Changes(database).since(number); });
    for (const auto& subject : *found) names.push_back(subject.name);
    return names;
  };
  const auto last = [&] { return *in<std::int64_t>(*store, [](auto& db) { return store::Changes(db).last(); }); };
  using Names = std::vector<std::string>;
  CHECK(last() == 0);
  REQUIRE(publish(*store, "orders", "one"));
  REQUIRE(publish(*store, "forms", "one"));
  const auto seen = last();
  REQUIRE(publish(*store, "orders", "two"));
  CHECK(since(0) == Names{"flow/forms", "flow/orders"});
  CHECK(since(seen) == Names{"flow/orders"});
  CHECK(since(last()).empty());
}
