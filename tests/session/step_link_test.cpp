#include "amqp/client/step_link.hpp"

#include <doctest/doctest.h>

#include "amqp/properties.hpp"
#include "broker/server.hpp"
#include "desk.hpp"
#include "support/run_until.hpp"

namespace millrace::broker {
namespace {

using amqp::client::Commit;
using amqp::client::StepLink;

/// A broker in memory on a real socket, and a loop that runs until the test has what it waits for.
struct Post {
  io::posix::AsioLoop loop;
  HandOffload offload{loop};
  FullOrNotDisk disk;
  Users users;
  std::unique_ptr<Broker> broker;
  std::unique_ptr<Server> server;
  SessionId own;

  Post() {
    broker = std::move(*Broker::open(loop, disk, offload, {}));
    users.add("worker", "secret");
    server = std::move(*Server::listen(loop, *broker, users, "127.0.0.1", 0));
    own = broker->begin_session();
    QueueSpec in;
    in.name = "in";
    QueueSpec out;
    out.name = "out";
    REQUIRE(broker->declare_queue(own, in, nullptr));
    REQUIRE(broker->declare_queue(own, out, nullptr));
  }
  ~Post() { server.reset(); }

  void put(const std::string& body) {
    auto message = std::make_shared<Message>();
    message->routing_key = "in";
    message->properties = amqp::encode_properties({});
    message->body = body;
    Batch batch;
    batch.publishes.push_back(message);
    REQUIRE(broker->commit(own, std::move(batch), nullptr));
  }
  StepLink::Settings settings(std::string password = "secret") const {
    StepLink::Settings settings;
    settings.uri = "amqp://worker:" + password + "@127.0.0.1:" + std::to_string(server->port());
    settings.queue = "in";
    settings.prefetch = 10;
    return settings;
  }
};

Commit answer_to(const amqp::client::Delivery& delivery) {
  Commit commit;
  commit.publishes.push_back({"", "out", amqp::encode_properties({}), "did " + delivery.body});
  commit.acks.push_back(delivery.tag);
  return commit;
}

TEST_CASE("a worker's link takes messages and commits outputs with acks, many commits under way, answered in order") {
  Post post;
  std::vector<int> committed;
  bool ready = false;
  std::optional<Error> lost;
  int delivered = 0;
  std::unique_ptr<StepLink> link;
  StepLink::Handlers handlers;
  handlers.ready = [&] { ready = true; };
  handlers.lost = [&](Error error) { lost = std::move(error); };
  handlers.delivered = [&](amqp::client::Delivery delivery) {
    link->commit(answer_to(delivery), [&, number = delivered](const Status& status) {
      CHECK(status);
      committed.push_back(number);
    });
    ++delivered;
  };
  const std::string large(300000, 'L');
  for (int i = 0; i < 50; ++i) post.put(i == 20 ? large : std::to_string(i));
  link = std::make_unique<StepLink>(post.loop, post.settings(), handlers);
  run_until(post.loop, [&] { return committed.size() == 50 || lost; });
  CHECK(ready);
  CHECK_FALSE(lost);
  for (int i = 0; i < 50; ++i) CHECK(committed[static_cast<std::size_t>(i)] == i);
  CHECK(post.broker->queue("in")->ready + post.broker->queue("in")->unsettled == 0);
  CHECK(post.broker->queue("out")->ready == 50);
  bool closed = false;
  link->close([&] { closed = true; });
  run_until(post.loop, [&] { return closed; });
  CHECK_FALSE(lost);
}

TEST_CASE("a link is lost once, with the reason, and its open commits fail") {
  Post post;
  std::optional<Error> lost;
  std::optional<Error> failed;
  bool ready = false;
  StepLink::Handlers handlers;
  handlers.ready = [&] { ready = true; };
  handlers.lost = [&](Error error) {
    CHECK_FALSE(lost);
    lost = std::move(error);
  };
  StepLink link(post.loop, post.settings(), handlers);
  run_until(post.loop, [&] { return ready; });
  post.offload.held = true;
  Commit commit;
  commit.publishes.push_back({"", "out", amqp::encode_properties({}), "x"});
  link.commit(std::move(commit), [&](const Status& status) {
    if (!status) failed = status.error();
  });
  run_until(post.loop, [&] { return post.broker->queue("out")->ready == 1; });
  post.users.retire("worker");
  run_until(post.loop, [&] { return lost.has_value(); });
  CHECK(lost->kind == Error::Kind::unavailable);
  REQUIRE(failed);
  CHECK(failed->kind == Error::Kind::unavailable);
}

TEST_CASE("a link says why it could not come about") {
  Post post;
  std::optional<Error> lost;
  StepLink::Handlers handlers;
  handlers.lost = [&](Error error) { lost = std::move(error); };
  SUBCASE("wrong password") {
    StepLink link(post.loop, post.settings("wrong"), handlers);
    run_until(post.loop, [&] { return lost.has_value(); });
    CHECK(lost->kind == Error::Kind::permission);
    CHECK(lost->message.find("ACCESS_REFUSED") != std::string::npos);
  }
  SUBCASE("no such queue") {
    auto settings = post.settings();
    settings.queue = "missing";
    StepLink link(post.loop, settings, handlers);
    run_until(post.loop, [&] { return lost.has_value(); });
    CHECK(lost->kind == Error::Kind::not_found);
    CHECK(lost->message.find("missing") != std::string::npos);
  }
  SUBCASE("nobody listens") {
    auto settings = post.settings();
    post.server.reset();
    StepLink link(post.loop, settings, handlers);
    run_until(post.loop, [&] { return lost.has_value(); });
    CHECK(lost->kind == Error::Kind::unavailable);
    CHECK(lost->message.find("refused") != std::string::npos);
  }
  SUBCASE("a uri that is none") {
    auto settings = post.settings();
    settings.uri = "nonsense";
    StepLink link(post.loop, settings, handlers);
    run_until(post.loop, [&] { return lost.has_value(); });
    CHECK(lost->kind == Error::Kind::invalid);
  }
}

TEST_CASE("a stopping broker tells its clients and is then without connections") {
  Post post;
  std::optional<Error> lost;
  bool ready = false;
  StepLink::Handlers handlers;
  handlers.ready = [&] { ready = true; };
  handlers.lost = [&](Error error) { lost = std::move(error); };
  StepLink link(post.loop, post.settings(), handlers);
  run_until(post.loop, [&] { return ready; });
  REQUIRE(post.server->connections().size() == 1);
  CHECK(post.server->connections()[0].user == "worker");
  CHECK(post.server->connections()[0].consumers() == 1);
  bool stopped = false;
  post.server->stop([&] { stopped = true; });
  run_until(post.loop, [&] { return lost && stopped; });
  CHECK(lost->message.find("320") != std::string::npos);
  CHECK(post.server->connections().empty());
}

TEST_CASE("a port in use is an error that says so") {
  Post post;
  auto second = Server::listen(post.loop, *post.broker, post.users, "127.0.0.1", post.server->port());
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == Error::Kind::conflict);
}

}  // namespace
}  // namespace millrace::broker
