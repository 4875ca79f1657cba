#include <doctest/doctest.h>

#include "amqp/properties.hpp"
#include "broker/broker.hpp"
#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"

namespace millrace::broker {

TEST_CASE("what only settles waits for the next sync, but not where a transaction's client waits for it") {
  io::sim::SimDisk disk(1);
  io::sim::SimLoop loop;
  io::sim::SimOffload offload(loop);
  const auto broker = std::move(*Broker::open(loop, disk, offload, {}));
  const auto session = broker->begin_session();
  QueueSpec orders;
  orders.name = "orders";
  REQUIRE(broker->declare_queue(session, orders, {}));
  amqp::Properties properties;
  properties.delivery_mode = 2;
  const auto message =
      std::make_shared<const Message>(Message{"", "orders", amqp::encode_properties(properties), "body"});
  REQUIRE(broker->commit(session, {{message, message}, {}}, nullptr));
  loop.run_for(std::chrono::milliseconds(10));

  const auto is_told_at_once = [&](bool whole) {
    const auto delivery = broker->get(session, "orders", false);
    REQUIRE(delivery);
    REQUIRE(*delivery);
    bool told = false;
    const Batch batch{{}, {{(*delivery)->id, Settle::ack}}, whole};
    REQUIRE(broker->commit(session, batch, [&](const Status& stored) { told = static_cast<bool>(stored); }));
    loop.run_tasks();  // time stands still
    const bool told_at_once = told;
    loop.run_for(std::chrono::milliseconds(10));
    CHECK(told);
    return told_at_once;
  };
  CHECK_FALSE(is_told_at_once(false));
  CHECK(is_told_at_once(true));
}

}  // namespace millrace::broker
