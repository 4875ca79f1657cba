#include <doctest/doctest.h>

#include "amqp/properties.hpp"
#include "broker/broker.hpp"
#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"

namespace millrace::broker {
using namespace std::chrono_literals;

namespace {

/// A broker in virtual time with a durable queue.
struct Site {
  Site() {
    Limits limits;
    limits.free_space_min = 0;
    broker = std::move(*Broker::open(loop, disk, offload, limits));
    session = broker->begin_session();
    QueueSpec orders;
    orders.name = "orders";
    REQUIRE(broker->declare_queue(session, orders, {}));
    loop.run_for(10ms);
  }

  void publish(std::size_t size) {
    amqp::Properties properties;
    properties.delivery_mode = 2;
    auto message = std::make_shared<Message>();
    *message = {"", "orders", amqp::encode_properties(properties), std::string(size, 'x')};
    REQUIRE(broker->commit(session, {{message}, {}}, [](const Status&) {}));
    loop.run_for(10ms);
  }

  io::sim::SimDisk disk{1};
  io::sim::SimLoop loop;
  io::sim::SimOffload offload{loop};
  std::unique_ptr<Broker> broker;
  SessionId session;
};

}  // namespace

TEST_CASE("a failed sync is final") {
  Site site;
  site.publish(100);
  CHECK(site.broker->storage() == StorageState::writable);
  site.disk.fail_sync(site.disk.syncs() + 1);
  site.publish(100);
  CHECK(site.broker->storage() == StorageState::failed);
}

TEST_CASE("a full disk is waited for") {
  Site site;
  site.disk.set_capacity(1);
  site.publish(5'000'000);
  CHECK(site.broker->storage() == StorageState::full);
  site.disk.set_capacity(1u << 30);
  site.loop.run_for(1s);
  CHECK(site.broker->storage() == StorageState::writable);
}

TEST_CASE("a disk that becomes full while the broker closes does not keep it from closing") {
  Site site;
  auto message = std::make_shared<Message>();
  *message = {"", "orders", amqp::encode_properties({}), std::string(5'000'000, 'x')};
  site.disk.set_capacity(1);
  REQUIRE(site.broker->commit(site.session, {{message}, {}}, [](const Status&) {}));
  int told = 0;
  Status closed = Done{};
  site.broker->close([&](Status status) {
    ++told;
    closed = std::move(status);
  });
  site.loop.run_for(100ms);
  CHECK(told == 1);
  REQUIRE_FALSE(closed);
  CHECK(closed.error().kind == Error::Kind::no_space);
  site.disk.set_capacity(1u << 30);
  site.loop.run_for(1s);
  CHECK(told == 1);
}

}  // namespace millrace::broker
