#include "amqp/client/lasting_link.hpp"

#include <optional>

#include <doctest/doctest.h>

#include "io/sim/loop.hpp"

namespace millrace::amqp::client {
namespace {

using namespace std::chrono_literals;

/// Links that the test opens, breaks and answers.
struct Broker {
  struct Made final : Link {
    Broker& broker;
    explicit Made(Broker& of) : broker(of) {}
    ~Made() override { --broker.living; }
    void commit(Commit, std::function<void(Status)> done) override { broker.open = std::move(done); }
    void stop_consuming() override {}
    void close(std::function<void()> closed) override { broker.closed = std::move(closed); }
  };

  io::sim::SimLoop loop;
  int made = 0;
  int living = 0;
  int ready = 0;
  int interrupted = 0;
  std::optional<Error> lost;
  Link::Handlers current;
  std::function<void(Status)> open;
  std::function<void()> closed;
  std::optional<LastingLink> link;

  Broker() {
    Link::Handlers handlers;
    handlers.ready = [this] { ++ready; };
    handlers.lost = [this](Error why) { lost = std::move(why); };
    handlers.interrupted = [this](const Error&) { ++interrupted; };
    link.emplace(
        loop,
        [this](Link::Handlers of_one) {
          ++made;
          ++living;
          current = std::move(of_one);
          return std::make_unique<Made>(*this);
        },
        std::move(handlers));
  }
  void lose(Error::Kind kind = Error::Kind::unavailable) {
    current.lost(Error{kind, "gone"});
    loop.run_tasks();
  }
};

TEST_CASE("a lasting link comes again after a loss, ever later while there is no broker, and says when it is there") {
  Broker broker;
  broker.current.ready();
  broker.lose();
  CHECK(broker.interrupted == 1);
  CHECK_FALSE(broker.link->is_ready());
  broker.loop.run_for(0ms);
  CHECK(broker.made == 2);
  for (const auto pause : {200ms, 400ms, 800ms, 1'600ms, 2'000ms, 2'000ms}) {
    const int before = broker.made;
    broker.lose();
    broker.loop.run_for(pause - 1ms);
    CHECK(broker.made == before);
    broker.loop.run_for(1ms);
    CHECK(broker.made == before + 1);
  }
  CHECK(broker.interrupted == 1);
  broker.current.ready();
  CHECK(broker.ready == 2);
  broker.loop.run_for(5s);
  broker.lose();
  broker.loop.run_for(0ms);
  CHECK(broker.interrupted == 2);
  CHECK(broker.living == 1);
  CHECK_FALSE(broker.lost);
}

TEST_CASE("a link that is lost as soon as it is there does not come again at once") {
  Broker broker;
  for (const auto pause : {0ms, 200ms, 400ms}) {
    const int before = broker.made;
    broker.current.ready();
    broker.lose();
    if (pause > 0ms) broker.loop.run_for(pause - 1ms);
    CHECK(broker.made == before);
    broker.loop.run_for(1ms);
    CHECK(broker.made == before + 1);
  }
}

TEST_CASE("a commit that was under way when the link was interrupted is not answered") {
  Broker broker;
  broker.current.ready();
  int answers = 0;
  broker.link->commit({}, [&](const Status& status) { answers += status ? 1 : 100; });
  broker.open(Error{Error::Kind::unavailable, "gone"});
  CHECK(answers == 0);
  broker.link->commit({}, [&](const Status& status) { answers += status ? 1 : 100; });
  broker.open(Done{});
  CHECK(answers == 1);
}

TEST_CASE("what waiting does not mend is a loss") {
  Broker broker;
  broker.lose(Error::Kind::invalid);
  REQUIRE(broker.lost);
  broker.loop.run_for(1min);
  CHECK(broker.made == 1);
}

TEST_CASE("a lasting link that is stopped does not come again, and closes without a broker") {
  Broker broker;
  broker.current.ready();
  broker.link->stop_consuming();
  broker.lose();
  broker.loop.run_for(1min);
  CHECK(broker.made == 1);
  bool closed = false;
  broker.link->close([&] { closed = true; });
  broker.loop.run_tasks();
  CHECK(closed);
}

}  // namespace
}  // namespace millrace::amqp::client
