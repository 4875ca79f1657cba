#include "component/step_commits.hpp"

#include <optional>

#include <doctest/doctest.h>

#include "io/sim/loop.hpp"

using namespace millrace;
using amqp::client::Commit;
using component::StepCommits;

namespace {

/// A link that keeps its commits until the test answers them.
struct Bench final : amqp::client::Link {
  void commit(Commit commit, std::function<void(Status)> answered) override {
    sent.push_back(std::move(commit));
    answers.push_back(std::move(answered));
  }
  void stop_consuming() override {}
  void close(std::function<void()>) override {}

  Bench() {
    commits.emplace(loop, StepCommits::Hooks{[this](StepCommits::Batch&) { done.emplace_back("complete"); },
                                             [this](StepCommits::Batch& batch) { done.push_back(batch.records); },
                                             [this](const Error& why) {
                                               done.push_back(why.message);
                                               commits.reset();
                                             },
                                             [this] { done.emplace_back("idle"); }});
    commits->begin(*this);
  }
  void gather(std::uint64_t tag, const std::string& record) {
    commits->gathered().commit.acks.push_back(tag);
    commits->gathered().records += record;
    ++commits->gathered().counts.done;
    commits->gathered().then.push_back([this, record] { done.push_back("then " + record); });
    commits->flush_soon();
    loop.run_tasks();
  }
  void answer(Status status = Done{}) {
    const auto next = std::move(answers.front());
    answers.erase(answers.begin());
    next(std::move(status));
    loop.run_tasks();
  }
  std::vector<std::string> taken() { return std::exchange(done, {}); }

  io::sim::SimLoop loop;
  std::vector<Commit> sent;
  std::vector<std::function<void(Status)>> answers;
  std::vector<std::string> done;
  std::optional<StepCommits> commits;
};

using Texts = std::vector<std::string>;
using Tags = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("what comes while a commit is under way gathers for the next one") {
  Bench bench;
  bench.gather(1, "a");
  bench.gather(2, "b");
  bench.gather(3, "c");
  CHECK(bench.taken() == Texts{"complete"});
  bench.answer();
  CHECK(bench.taken() == Texts{"a", "then a", "complete"});
  CHECK(bench.commits->counts().done == 1);
  REQUIRE(bench.sent.size() == 2);
  CHECK(bench.sent[1].acks == Tags{2, 3});
  bench.answer();
  CHECK(bench.taken() == Texts{"bc", "then b", "then c", "idle"});
  CHECK(bench.commits->counts().done == 3);
  CHECK_FALSE(bench.commits->busy());
}

TEST_CASE(
    "an interruption makes void what is gathered or under way, and nothing is committed until the link is mended") {
  Bench bench;
  bench.gather(1, "a");
  bench.gather(2, "b");
  bench.taken();
  bench.commits->interrupted();
  CHECK(bench.taken() == Texts{"then a", "then b"});
  CHECK_FALSE(bench.commits->busy());
  bench.gather(3, "c");
  CHECK(bench.sent.size() == 1);
  bench.commits->mended();
  bench.loop.run_tasks();
  REQUIRE(bench.sent.size() == 2);
  CHECK(bench.sent[1].acks == Tags{3});
  CHECK(bench.commits->counts().done == 0);
}

TEST_CASE("a commit that fails is told, and whoever hears it may end all of it") {
  Bench bench;
  bench.gather(1, "a");
  bench.taken();
  bench.answer(Error{Error::Kind::unavailable, "gone"});
  CHECK(bench.taken() == Texts{"gone"});
  CHECK_FALSE(bench.commits);
}
