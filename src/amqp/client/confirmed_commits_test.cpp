#include "amqp/client/confirmed_commits.hpp"

#include <doctest/doctest.h>

#include "io/sim/loop.hpp"

namespace millrace::amqp::client {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

/// A channel that notes what is done to it, and a platform that saves snapshots when the test says so.
struct Wire {
  io::sim::SimLoop loop;
  Texts done;  ///< "publish BODY", "ack TAG", "return TAG", "save TEXT", "committed", in order
  std::vector<std::function<void(Status)>> saving;
  ConfirmedCommits commits{loop,
                           {"s:snapshot",
                            [this](const std::string& text, std::function<void(Status)> saved) {
                              done.push_back("save " + text);
                              saving.push_back(std::move(saved));
                            }},
                           {[this](const Outgoing& message) { done.push_back("publish " + message.body); },
                            [this](const Commit& commit) {
                              for (const auto tag : commit.acks) done.push_back("ack " + std::to_string(tag));
                              for (const auto tag : commit.returns) done.push_back("return " + std::to_string(tag));
                            },
                            [this] { done.emplace_back("committed"); }, [] {}}};

  explicit Wire(bool open = true) {
    if (open) commits.hold(false);
  }
  void add(const Texts& bodies, std::uint64_t tag) {
    Commit commit;
    for (const auto& body : bodies) commit.publishes.push_back({"flow.a", "s:output", "", body});
    commit.acks = {tag};
    commits.add(std::move(commit));
    loop.run_tasks();
  }
  void add_snapshot(const std::string& text, std::uint64_t tag) {
    Commit commit;
    commit.publishes.push_back({"flow.a", "s:snapshot", "", text});
    commit.acks = {tag};
    commits.add(std::move(commit));
    loop.run_tasks();
  }
  Texts taken() { return std::exchange(done, {}); }
};

TEST_CASE("an input is acknowledged when each of its outputs is confirmed, and not before") {
  Wire wire;
  wire.add({"a", "b"}, 7);
  CHECK(wire.taken() == Texts{"publish a", "publish b"});
  wire.commits.answered(2, false, true);
  CHECK(wire.taken().empty());
  wire.commits.answered(1, false, true);
  CHECK(wire.taken() == Texts{"ack 7", "committed"});
}

TEST_CASE("commits under way together end in the order given, also when one confirm answers many") {
  Wire wire;
  wire.add({"a"}, 1);
  wire.add({"b", "c"}, 2);
  wire.add({}, 3);
  wire.commits.answered(3, false, true);
  CHECK(wire.taken() == Texts{"publish a", "publish b", "publish c"});
  wire.commits.answered(2, true, true);
  CHECK(wire.taken() == Texts{"ack 1", "committed", "ack 2", "committed", "ack 3", "committed"});
  wire.commits.answered(9, true, true);  // of nothing
  CHECK(wire.taken().empty());
}

TEST_CASE("a commit of acknowledgements alone is done at once, but not from inside the call") {
  Wire wire;
  Commit commit;
  commit.acks = {4};
  commit.returns = {5};
  wire.commits.add(std::move(commit));
  CHECK(wire.taken().empty());
  wire.loop.run_tasks();
  CHECK(wire.taken() == Texts{"ack 4", "return 5", "committed"});
}

TEST_CASE("what no queue takes or a queue refuses goes out again ever later, and holds its commit until it is taken") {
  Wire wire;
  wire.add({"a", "b"}, 1);
  wire.add({"c"}, 2);
  wire.taken();
  wire.commits.returned({"flow.a", "s:output", "", "b"}, "312 NO_ROUTE");
  wire.commits.answered(2, true, true);  // RabbitMQ confirms what it has returned
  wire.commits.answered(3, false, true);
  CHECK(wire.taken().empty());
  wire.loop.run_for(99ms);
  CHECK(wire.taken().empty());
  wire.loop.run_for(1ms);
  CHECK(wire.taken() == Texts{"publish b"});
  wire.commits.answered(4, false, false);
  wire.loop.run_for(199ms);
  CHECK(wire.taken().empty());
  wire.loop.run_for(1ms);
  CHECK(wire.taken() == Texts{"publish b"});
  wire.commits.answered(5, false, true);
  CHECK(wire.taken() == Texts{"ack 1", "committed", "ack 2", "committed"});
}

TEST_CASE("the pause before a message is published again stays below half a minute, and there is no end of trying") {
  Wire wire;
  wire.add({"a"}, 1);
  for (std::uint64_t number = 1; number <= 20; ++number) {
    CHECK(wire.taken() == Texts{"publish a"});
    wire.commits.answered(number, false, false);
    wire.loop.run_for(30s);
  }
  CHECK(wire.taken() == Texts{"publish a"});
}

TEST_CASE("publishes wait while the broker holds them back, and until the channel is open") {
  Wire wire(false);
  wire.add({"a"}, 1);
  CHECK(wire.taken().empty());
  wire.commits.hold(false);
  CHECK(wire.taken() == Texts{"publish a"});
  wire.commits.hold(true);
  wire.add({"b"}, 2);
  wire.commits.answered(1, false, false);
  wire.loop.run_for(1s);
  CHECK(wire.taken().empty());
  wire.commits.hold(false);
  CHECK(wire.taken() == Texts{"publish a", "publish b"});
}

TEST_CASE("a snapshot is saved after the messages are confirmed and before the input is acknowledged") {
  Wire wire;
  wire.add({"a"}, 1);
  wire.add_snapshot("{\"page\":2}", 2);
  wire.add({"b"}, 3);
  CHECK(wire.taken() == Texts{"publish a", "publish b"});
  wire.commits.answered(2, true, true);
  CHECK(wire.taken() == Texts{"ack 1", "committed", "save {\"page\":2}"});
  wire.saving.at(0)(Error{Error::Kind::unavailable, "the platform is not there"});
  wire.loop.run_for(99ms);
  CHECK(wire.taken().empty());
  wire.loop.run_for(1ms);
  CHECK(wire.taken() == Texts{"save {\"page\":2}"});
  wire.saving.at(1)(Done{});
  wire.loop.run_tasks();
  CHECK(wire.taken() == Texts{"ack 2", "committed", "ack 3", "committed"});
}

TEST_CASE("after the end of the link nothing more is done") {
  Wire wire;
  wire.add({"a"}, 1);
  wire.add_snapshot("{}", 2);
  wire.commits.answered(1, false, false);
  wire.commits.stop();
  wire.taken();
  wire.loop.run_for(1min);
  CHECK(wire.taken().empty());
}

}  // namespace
}  // namespace millrace::amqp::client
