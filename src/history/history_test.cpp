#include "history/history.hpp"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "history/recorder.hpp"
#include "history/search.hpp"
#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"

namespace millrace::history {
namespace {

using Kind = Record::Kind;
constexpr std::int64_t start = 1'000'000;
const Redaction none({});

struct Fact {
  Kind kind = Kind::done;
  std::string execution;
  std::int64_t at = start;
  std::uint32_t spawned = 0;
  std::string error = {};
  bool retried = false;
};

std::string framed(const Fact& fact) {
  Record record;
  record.kind = fact.kind;
  record.execution = fact.execution;
  record.message = fact.execution + "-m";
  record.at = fact.at;
  record.spawned = fact.spawned;
  record.retried = fact.retried;
  record.outputs = {R"({"id":"x","body":{"password":"p"}})"};
  record.code = fact.error.empty() ? "" : "code";
  record.error = fact.error;
  std::string bytes;
  encode(record, none, bytes);
  return bytes;
}

struct Kept {
  Kept() { open(); }
  void open(History::Limits limits = {.segment_size = 2'000, .free_space_min = 0}) {
    history.reset();
    auto opened = History::open(disk, limits);
    REQUIRE(opened);
    history = std::move(*opened);
  }
  void add(const std::string& step, const Fact& fact) {
    REQUIRE(history->append({"f", 1, step, "w"}, framed(fact), fact.at));
  }
  /// An execution of two steps; the second one fails if there is an error.
  void execution(const std::string& id, std::int64_t at, const std::string& error = {}) {
    add("form", {Kind::began, id, at, 1});
    add("shape", {Kind::done, id, at + 1, 1});
    add("publish", {error.empty() ? Kind::done : Kind::failed, id, at + 2, 0, error});
  }
  std::vector<std::string> ids(const Query& query, Order order = Order::newest_first, std::size_t page = 3) {
    std::vector<std::string> all;
    std::optional<Position> from;
    do {
      const auto found = search(*history, query, order, from, page);
      for (const auto& one : found.executions) all.push_back(one.summary.id);
      from = found.next;
    } while (from);
    return all;
  }

  io::sim::SimDisk disk{1};
  std::unique_ptr<History> history;
};

}  // namespace

TEST_CASE("a record is read as it was written, without its secrets") {
  std::string bytes;
  Record record;
  record.kind = Kind::failed;
  record.execution = "372eb862-6911-4165-bdf1-4e68ee2206e9";
  record.message = "not a uuid";
  record.at = start;
  record.took = 77;
  record.attempt = 3;
  record.spawned = 2;
  record.outputs = {R"({"id":"a","body":{"password":"p"}})", "{}"};
  record.input = R"({"iban":"DE1"})";
  record.error = "why";
  encode(record, Redaction({"iban"}), bytes);
  std::string_view rest = bytes;
  const auto read = take_record(rest);
  REQUIRE(read);
  CHECK(rest.empty());
  CHECK(read->execution == record.execution);
  CHECK(read->message == record.message);
  CHECK(read->redacted);
  CHECK(read->outputs == std::vector<std::string_view>{R"({"id":"a","body":{"password":"[redacted]"}})", "{}"});
  CHECK(read->input == R"({"iban":"[redacted]"})");
  CHECK(read->error == "why");
  CHECK(read->took == 77);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view torn = std::string_view(bytes).substr(0, size);
    CHECK_FALSE(take_record(torn));
  }
}

TEST_CASE("the state of an execution is the balance of what was handed on and what was handled") {
  Kept kept;
  kept.execution("good", start);
  kept.execution("bad", start, "refused");
  kept.add("form", {Kind::began, "open", start, 2});
  kept.add("shape", {Kind::filtered, "open", start});
  kept.add("shape", {Kind::rebound, "open", start, 0, "later"});
  kept.add("publish", {Kind::done, "lone", start});
  CHECK(load(*kept.history, "good")->summary.state == State::done);
  CHECK(load(*kept.history, "bad")->summary.state == State::failed);
  CHECK(load(*kept.history, "bad")->summary.error == "refused");
  CHECK(load(*kept.history, "open")->summary.state == State::running);
  CHECK(load(*kept.history, "open")->summary.rebounds == 1);
  CHECK(load(*kept.history, "lone")->summary.state == State::incomplete);
  CHECK(load(*kept.history, "none").error().kind == Error::Kind::not_found);
  kept.add("publish", {Kind::failed, "bad", start + 5, 0, "again", true});
  CHECK(load(*kept.history, "bad")->summary.state == State::failed);
  kept.add("publish", {Kind::done, "bad", start + 9, 0, {}, true});
  CHECK(load(*kept.history, "bad")->summary.state == State::done);
}

TEST_CASE("a search finds each execution once, page by page, in either order and after a restart") {
  Kept kept;
  std::vector<std::string> all;
  std::vector<std::string> failed;
  for (int i = 0; i < 40; ++i) {
    all.push_back(fmt::format("e{}", i));
    const bool fails = i % 7 == 0;
    if (fails) failed.push_back(all.back());
    kept.execution(all.back(), start + i * 10, fails ? fmt::format("Refused by {}", i) : "");
  }
  const auto newest = [](std::vector<std::string> ids) {
    std::ranges::reverse(ids);
    return ids;
  };
  for (const bool restarted : {false, true}) {
    CAPTURE(restarted);
    if (restarted) kept.open();
    CHECK(kept.history->segments().size() > 3);
    CHECK(kept.ids({}) == newest(all));
    CHECK(kept.ids({}, Order::oldest_first) == all);
    CHECK(kept.ids({.states = {State::failed}}) == newest(failed));
    CHECK(kept.ids({.step = "publish", .error = "refused BY 7"}) == std::vector<std::string>{"e7"});
    CHECK(kept.ids({.step = "shape", .error = "refused"}).empty());
    CHECK(kept.ids({.step = "shape"}, Order::oldest_first) == all);
    CHECK(kept.ids({.flow = "g"}).empty());
    CHECK(kept.ids({.version = 2}).empty());
    CHECK(kept.ids({.since = start + 100, .until = start + 120}) == std::vector<std::string>{"e11", "e10"});
  }
}

TEST_CASE("what was torn off at the end is cut off, and what stands before it stays") {
  Kept kept;
  kept.execution("e0", start);
  const auto number = kept.history->segments().back();
  auto file = kept.disk.open(fmt::format("{:08}.history", number), io::Disk::Open::existing);
  REQUIRE(file);
  const auto size = (*file)->size();
  REQUIRE((*file)->write_at(*size, "MRH1 half a chunk"));
  kept.open();
  CHECK(*(*file)->size() == *size);
  kept.execution("e1", start + 10);
  kept.open();
  CHECK(kept.ids({}) == std::vector<std::string>{"e1", "e0"});
}

TEST_CASE("an index that is damaged or not there is made anew") {
  Kept kept;
  for (int i = 0; i < 20; ++i) kept.execution(fmt::format("e{}", i), start + i);
  auto file = kept.disk.open("00000001.index", io::Disk::Open::existing);
  REQUIRE(file);
  REQUIRE((*file)->write_at(100, "xxxxxxxx"));
  REQUIRE(kept.disk.remove("00000002.index"));
  kept.open();
  CHECK(kept.ids({}).size() == 20);
}

TEST_CASE("the oldest goes when there is too much or when it is too old") {
  Kept kept;
  kept.open(
      {.size_max = 300'000, .keep = std::chrono::milliseconds(1'000), .segment_size = 2'000, .free_space_min = 0});
  for (int i = 0; i < 40; ++i) kept.execution(fmt::format("e{}", i), start + i);
  CHECK(kept.history->facts().bytes < 310'000);
  CHECK(kept.ids({}).size() < 40);
  CHECK(kept.ids({}).front() == "e39");
  kept.history->prune(start + 10'000);
  CHECK(kept.ids({}).empty());
}

TEST_CASE("nothing is written while the disk has too little left") {
  Kept kept;
  kept.open({.free_space_min = 2ull << 30});
  const auto refused = kept.history->append({"f", 1, "s", "w"}, framed({Kind::done, "e"}), start);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Error::Kind::no_space);
}

namespace {

struct Told {
  std::shared_ptr<const std::string> text = std::make_shared<const std::string>(R"({"id":"m","body":{"token":"t"}})");
  Kept kept;
  io::sim::SimLoop loop;
  io::sim::SimOffload offload{loop};
  Recorder recorder{loop, offload, *kept.history, {}};

  Beginning beginning(const std::string& id) const { return {"flow.f@1", id, "m", text, "webhook"}; }
};

}  // namespace

TEST_CASE("beginnings are recorded by their flow's policy, batches as they come") {
  Told told;
  told.recorder.serve("flow.f@1", {"f", 1, "form", 2, std::nullopt});
  told.recorder.serve("flow.g@1", {"g", 1, "form", 1, Policy{Policy::Record::errors, 1, {}}});
  told.recorder.began(told.beginning("e1"));
  auto unrecorded = told.beginning("e2");
  unrecorded.exchange = "flow.g@1";
  told.recorder.began(unrecorded);
  const auto done = framed({Kind::done, "e1", told.loop.wall_now().time_since_epoch().count()});
  told.recorder.take({"f", 1, "shape", "w"}, done + done, 5);
  told.loop.run_for(Recorder::interval * 2);
  CHECK(told.recorder.counts().recorded == 3);
  CHECK(told.recorder.counts().dropped == 5);
  const auto execution = load(*told.kept.history, "e1");
  REQUIRE(execution);
  CHECK(execution->summary.state == State::done);
  CHECK(execution->records.front().record.redacted);
  CHECK_FALSE(load(*told.kept.history, "e2"));
}

TEST_CASE("what comes faster than it can be written is dropped and counted, and memory is bounded") {
  Told told;
  told.recorder.serve("flow.f@1", {"f", 1, "form", 1, std::nullopt});
  const auto batch = framed({Kind::done, "e"});
  std::string many;
  while (many.size() < (1u << 20)) many += batch;
  for (int i = 0; i < 40; ++i) told.recorder.take({"f", 1, "s", "w"}, many, 0);
  CHECK(told.recorder.counts().dropped >= 8 * (many.size() / batch.size()));
  told.recorder.flush();
  told.loop.run_for(std::chrono::seconds(1));
  const auto before = told.recorder.counts().dropped;
  told.recorder.take({"f", 1, "s", "w"}, batch, 0);
  told.loop.run_for(std::chrono::seconds(1));
  CHECK(told.recorder.counts().dropped == before);
}

TEST_CASE("a fraction of the executions is sampled, the same at every step") {
  const Policy policy{Policy::Record::sampled, 0.25, {}};
  int whole = 0;
  for (int i = 0; i < 4'000; ++i) whole += policy.whole(fmt::format("execution-{}", i)) ? 1 : 0;
  CHECK(whole > 900);
  CHECK(whole < 1'100);
}

}  // namespace millrace::history
