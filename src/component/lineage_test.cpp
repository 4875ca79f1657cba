#include "component/lineage.hpp"

#include <doctest/doctest.h>

using namespace millrace;
using component::Lineage;
using component::Message;

namespace {

std::string wire(amqp::FieldTable headers, std::optional<std::string> message_id = {}) {
  amqp::Properties properties;
  properties.headers = std::move(headers);
  properties.message_id = std::move(message_id);
  return amqp::encode_properties(properties);
}

}  // namespace

TEST_CASE("a lineage is what the headers say") {
  amqp::FieldTable headers;
  headers.set("messageId", "m-1");
  headers.set("threadId", "e-1");
  headers.set("reply_to", "reply.key");
  headers.set("reboundIteration", std::int32_t{3});
  const auto lineage = Lineage::read(wire(headers, "amqp-id"));
  REQUIRE(lineage);
  CHECK(lineage->message_id == "m-1");
  CHECK(lineage->execution_id == "e-1");
  CHECK(lineage->reply_to == "reply.key");
  CHECK(lineage->attempt == 4);
}

TEST_CASE("a foreign message is named by its AMQP message-id and begins an execution of its own") {
  const auto lineage = Lineage::read(wire({}, "amqp-id"));
  REQUIRE(lineage);
  CHECK(lineage->message_id == "amqp-id");
  CHECK(lineage->execution_id == "amqp-id");
  CHECK(lineage->attempt == 1);
}

TEST_CASE("a message without any id gets the same one at every delivery") {
  auto first = Lineage::read(wire({}));
  auto second = Lineage::read(wire({}));
  REQUIRE(first);
  REQUIRE(second);
  const auto message = *Message::parse(R"({"body":{"a":1}})");
  first->name_after(message);
  second->name_after(message);
  CHECK(!first->message_id.empty());
  CHECK(first->message_id == second->message_id);
  CHECK(first->execution_id == first->message_id);

  auto of_envelope = Lineage::read(wire({}));
  of_envelope->name_after(*Message::parse(R"({"id":"own","body":{}})"));
  CHECK(of_envelope->message_id == "own");
}

TEST_CASE("an attempt that cannot be is taken for the nearest that can") {
  amqp::FieldTable headers;
  headers.set("reboundIteration", std::int64_t{-7});
  CHECK(Lineage::read(wire(headers))->attempt == 1);
  headers.set("reboundIteration", std::int64_t{1} << 40);
  CHECK(Lineage::read(wire(headers))->attempt == 1u << 30);
  headers.set("reboundIteration", "many");
  CHECK(Lineage::read(wire(headers))->attempt == 1);
}

TEST_CASE("the loss of a worker counts as an attempt, and those after a rebound have an end") {
  amqp::FieldTable headers;
  headers.set("x-delivery-count", std::int64_t{2});
  const auto never_rebound = Lineage::read(wire(headers));
  CHECK(never_rebound->attempt == 3);
  CHECK(!never_rebound->lost_too_often(1));  // the broker's limit holds for these

  headers.set("reboundIteration", std::int32_t{2});
  headers.set("x-delivery-count", std::int64_t{1});
  CHECK(Lineage::read(wire(headers))->attempt == 4);
  CHECK(!Lineage::read(wire(headers))->lost_too_often(3));  // a loss that may be a neighbour's
  headers.set("x-delivery-count", std::int64_t{2});
  CHECK(Lineage::read(wire(headers))->lost_too_often(3));
}

TEST_CASE("properties that are none are an error, not a lineage") {
  const auto lineage = Lineage::read("\xff");
  REQUIRE(!lineage);
  CHECK(lineage.error().kind == Error::Kind::invalid);
}
