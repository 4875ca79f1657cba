#include "component/origin.hpp"

#include <doctest/doctest.h>

#include "component/lineage.hpp"

using namespace millrace;
using component::Lineage;
using component::Origin;

TEST_CASE("a lineage reads what an origin has written") {
  Origin origin;
  origin.message = "m-1";
  origin.parent = "m-0";
  origin.execution = "e-1";
  origin.flow = "orders";
  origin.step = "shape";
  origin.reply_to = "reply.key";
  origin.at = io::WallTime(std::chrono::milliseconds(1'700'000'000'999));
  const auto lineage = Lineage::read(amqp::encode_properties(component::properties_of(origin)));
  REQUIRE(lineage);
  CHECK(lineage->message_id == "m-1");
  CHECK(lineage->execution_id == "e-1");
  CHECK(lineage->reply_to == "reply.key");
  CHECK(lineage->properties.message_id == "m-1");
  CHECK(lineage->properties.timestamp == 1'700'000'000);
  CHECK(lineage->properties.headers->text("parentMessageId") == "m-0");
  CHECK(lineage->properties.headers->text("taskId") == "orders");
  CHECK(lineage->properties.headers->text("stepId") == "shape");
}

TEST_CASE("what an origin does not say is not on the wire") {
  Origin origin;
  origin.message = origin.execution = "m-1";
  origin.keyed = false;
  const auto properties = component::properties_of(origin);
  CHECK_FALSE(properties.message_id);
  CHECK_FALSE(properties.timestamp);
  CHECK(properties.headers->entries().size() == 2);
}
