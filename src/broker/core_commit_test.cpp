#include <doctest/doctest.h>

#include "support/sim_broker.hpp"

namespace millrace::broker {

TEST_CASE("what only settles waits for the next sync, but not where a transaction's client waits for it") {
  tests::SimBroker site;
  site.declare("orders");
  for (int i = 0; i < 2; ++i) site.publish("orders", 4);

  const auto is_told_at_once = [&](bool whole) {
    bool told = false;
    const Batch batch{{}, {{site.take("orders"), Settle::ack}}, whole};
    REQUIRE(site.broker->commit(site.session, batch, [&](const Status& stored) { told = static_cast<bool>(stored); }));
    site.loop.run_tasks();  // time stands still
    const bool told_at_once = told;
    site.loop.run_for(std::chrono::milliseconds(10));
    CHECK(told);
    return told_at_once;
  };
  CHECK_FALSE(is_told_at_once(false));
  CHECK(is_told_at_once(true));
}

}  // namespace millrace::broker
