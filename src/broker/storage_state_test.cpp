#include <doctest/doctest.h>

#include "support/sim_broker.hpp"

namespace millrace::broker {
using namespace std::chrono_literals;

namespace {

Limits limits() {
  Limits limits;
  limits.free_space_min = 0;
  return limits;
}

struct Site : tests::SimBroker {
  Site() : SimBroker(limits()) { declare("orders"); }
};

}  // namespace

TEST_CASE("a failed sync is final") {
  Site site;
  site.publish("orders", 100);
  CHECK(site.broker->storage() == StorageState::writable);
  site.disk.fail_sync(site.disk.syncs() + 1);
  site.publish("orders", 100);
  CHECK(site.broker->storage() == StorageState::failed);
}

TEST_CASE("a full disk is waited for") {
  Site site;
  site.disk.set_capacity(1);
  site.publish("orders", 5'000'000);
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
