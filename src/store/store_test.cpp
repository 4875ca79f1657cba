#include "store/store.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/answers.hpp"
#include "store/audit.hpp"
#include "store/flows.hpp"
#include "store/sqlite/connection.hpp"
#include "store/tokens.hpp"

namespace {

using namespace millrace;
using store::Flows;
using store::Store;

/// Does its work at once, and tells it at once.
class Inline final : public io::Offload {
 public:
  void run(std::function<void()> work, std::function<void()> then) override {
    work();
    then();
  }
};

struct Folder {
  Folder() {
    char name[] = "/tmp/millrace-store-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file() const { return path + "/store.db"; }
  std::string path;
};

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::unique_ptr<Store> open(io::Offload& offload, const Folder& folder) {
  auto opened = Store::open(offload, folder.file());
  if (!opened) FAIL(opened.error().message);
  return std::move(*opened);
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

TEST_CASE("a store is readable by its owner only, and keeps what was committed") {
  Inline offload;
  Folder folder;
  {
    const auto store = open(offload, folder);
    REQUIRE(publish(*store, "orders", "name: orders"));
  }
  struct stat found = {};
  REQUIRE(::stat(folder.file().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  const auto store = open(offload, folder);
  const auto flow = in<store::FlowRecord>(*store, [](auto& database) { return Flows(database).find("orders"); });
  REQUIRE(flow);
  CHECK(flow->draft == "name: orders");
  CHECK(flow->state == store::FlowState::running);
  CHECK(flow->current == 1);
}

TEST_CASE("what a transaction did before it failed is as if never done") {
  Inline offload;
  Folder folder;
  const auto store = open(offload, folder);
  const auto done = in<Done>(*store, [](store::Database& database) -> Result<Done> {
    REQUIRE(Flows(database).save({"orders", "x", "grace", "api", 1}, 0));
    return Error{Error::Kind::invalid, "no"};
  });
  CHECK(!done);
  CHECK(done.error().message == "no");
  CHECK(in<std::vector<store::FlowRecord>>(*store, [](auto& db) { return Flows(db).list("", 10); })->empty());
}

TEST_CASE("a process that is killed in the middle of a transaction leaves what was committed before it") {
  Inline offload;
  Folder folder;
  const auto child = ::fork();
  if (child == 0) {
    auto store = Store::open(offload, folder.file());
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
  const auto store = open(offload, folder);
  const auto flow = in<store::FlowRecord>(*store, [](auto& database) { return Flows(database).find("orders"); });
  REQUIRE(flow);
  CHECK(flow->draft == "first");
}

TEST_CASE("a file of a newer version is refused and stays as it is") {
  Inline offload;
  Folder folder;
  { open(offload, folder); }
  std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(60);
  file.write("\0\0\0\x63", 4);
  file.close();
  const auto before = bytes_of(folder.file());
  const auto opened = Store::open(offload, folder.file());
  REQUIRE(!opened);
  CHECK(opened.error().kind == Error::Kind::unsupported);
  CHECK(opened.error().message.find("newer Millrace") != std::string::npos);
  CHECK(bytes_of(folder.file()) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("a file that is no store is refused and stays as it is") {
  Inline offload;
  Folder folder;
  std::ofstream(folder.file()) << "This is somebody's letter.";
  const auto opened = Store::open(offload, folder.file());
  REQUIRE(!opened);
  CHECK(opened.error().kind == Error::Kind::damaged);
  CHECK(bytes_of(folder.file()) == "This is somebody's letter.");
}

TEST_CASE("the second of two writers of one draft is told that it is stale") {
  Inline offload;
  Folder folder;
  const auto store = open(offload, folder);
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
  Inline offload;
  Folder folder;
  const auto store = open(offload, folder);
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
  Inline offload;
  Folder folder;
  const auto store = open(offload, folder);
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

TEST_CASE("a token is found by its text, and the file does not hold its secret") {
  Inline offload;
  Folder folder;
  store::NewToken made;
  {
    const auto store = open(offload, folder);
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
  const auto secret = made.text.substr(made.text.rfind('_') + 1);
  CHECK(bytes_of(folder.file()).find(secret) == std::string::npos);
}

TEST_CASE("an expired token is none") {
  Inline offload;
  Folder folder;
  const auto store = open(offload, folder);
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
  Inline offload;
  Folder folder;
  const auto store = open(offload, folder);
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
  Inline offload;
  Folder folder;
  const auto store = open(offload, folder);
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
