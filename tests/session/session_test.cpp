#include <doctest/doctest.h>

#include "desk.hpp"

namespace millrace::broker {
namespace {

using Names = std::vector<std::string>;
namespace basic = amqp::basic;
namespace queue = amqp::queue;

struct Pair {
  World world;
  Client client{world};
  Pair() {
    client.log_in();
    client.send(1, queue::Declare{.queue = "q", .durable = true});
    client.seen();
  }
  void hold() { world.offload.held = true; }
};

TEST_CASE("connection.close-ok comes when what was published before it is durable") {
  World world;
  Client client(world);
  client.log_in();
  client.send(1, queue::Declare{.queue = "q", .durable = true});
  client.seen();
  world.offload.held = true;
  client.publish("", "q", "body").send(0, amqp::connection::Close{});
  CHECK(client.names().empty());
  world.offload.release();
  CHECK(client.names() == std::vector<std::string>{"connection.close-ok"});
}

TEST_CASE("channel.close comes after the confirms of the publishes before the one that failed") {
  World world;
  Client client(world);
  client.log_in();
  client.send(1, amqp::confirm::Select{});
  client.seen();
  world.offload.held = true;
  client.publish("", "nobody", "body").send(1, basic::Publish{.exchange = "none"});
  CHECK(client.names().empty());
  world.offload.release();
  CHECK(client.names() == std::vector<std::string>{"basic.ack", "channel.close"});
}

TEST_CASE("a get waits for the publishes before it on the same connection") {
  World world;
  Client client(world);
  client.log_in();
  client.send(1, queue::Declare{.queue = "q", .durable = true});
  client.seen();
  world.offload.held = true;
  client.publish("", "q", "body").send(1, basic::Get{.queue = "q"});
  CHECK(client.names().empty());
  world.offload.release();
  CHECK(client.names() == std::vector<std::string>{"basic.get-ok", "header", "body"});
}

TEST_CASE("a client logs in, tunes and opens a channel") {
  World world;
  Client client(world);
  client.send_bytes(amqp::protocol_header);
  CHECK(client.only<amqp::connection::Start>().mechanisms == "PLAIN AMQPLAIN");
  Client other(world);
  other.log_in();
  CHECK(other.session.status().user == "guest");
  CHECK(other.session.status().channels.size() == 1);
}

TEST_CASE("other protocols are answered with ours, and the connection ends") {
  World world;
  Client client(world);
  client.send_bytes("GET / HTTP/1.1\r\n");
  CHECK(client.session.output() == amqp::protocol_header);
  CHECK(client.overs == 1);
}

TEST_CASE("a wrong password is told to a client that can hear it") {
  World world;
  Client client(world);
  client.log_in(4096, "wrong");
  auto frames = client.seen();
  CHECK(frames.back().as<amqp::connection::Close>().reply_code == 403);
}

TEST_CASE("a client that does not log in in time is cut") {
  World world;
  Client client(world);
  world.loop.pass(std::chrono::seconds(11));
  CHECK(client.overs == 1);
}

TEST_CASE("declare-ok comes when the declaration is durable, and what is answered later comes after it") {
  Pair p;
  p.hold();
  p.client.send(1, queue::Declare{.queue = "r", .durable = true}).send(1, basic::Qos{.prefetch_count = 1});
  CHECK(p.client.names().empty());
  p.world.offload.release();
  CHECK(p.client.names() == Names{"queue.declare-ok", "basic.qos-ok"});
}

TEST_CASE("confirms come when publishes are durable, many in one") {
  Pair p;
  p.client.send(1, amqp::confirm::Select{});
  p.client.seen();
  p.hold();
  for (int i = 0; i < 3; ++i) p.client.publish("", "q", "body");
  CHECK(p.client.names().empty());
  p.world.offload.release();
  auto ack = p.client.only<basic::Ack>();
  CHECK(ack.delivery_tag == 3);
  CHECK(ack.multiple);
}

TEST_CASE("a mandatory message without a queue is returned before its confirm") {
  Pair p;
  p.client.send(1, amqp::confirm::Select{});
  p.client.seen();
  p.client.publish("", "nowhere", "back", true).publish("", "nowhere", "dropped");
  auto frames = p.client.seen();
  REQUIRE(frames.size() == 4);
  CHECK(frames[0].as<basic::Return>().reply_code == 312);
  CHECK(frames[2].payload == "back");
  CHECK(frames[3].as<basic::Ack>().delivery_tag == 2);
}

TEST_CASE("prefetch of a consumer bounds what is out, and an ack makes room") {
  Pair p;
  p.client.send(1, basic::Qos{.prefetch_count = 2}).send(1, basic::Consume{.queue = "q", .consumer_tag = "c"});
  p.client.seen();
  for (int i = 0; i < 5; ++i) p.client.publish("", "q", std::to_string(i));
  CHECK(p.client.names() == Names{"basic.deliver", "header", "body", "basic.deliver", "header", "body"});
  CHECK(p.client.session.status().unsettled() == 2);
  p.client.send(1, basic::Ack{.delivery_tag = 1});
  auto frames = p.client.seen();
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].as<basic::Deliver>().delivery_tag == 3);
  p.client.send(1, basic::Ack{.delivery_tag = 3, .multiple = true});
  CHECK(p.client.names().size() == 6);
  CHECK(p.world.broker->queue("q")->unsettled == 2);
}

TEST_CASE("prefetch of a channel bounds all its consumers together") {
  Pair p;
  p.client.send(1, basic::Qos{.prefetch_count = 3, .global = true});
  for (std::string_view tag : {"a", "b"}) p.client.send(1, basic::Consume{.queue = "q", .consumer_tag = tag});
  for (int i = 0; i < 8; ++i) p.client.publish("", "q", "");
  p.client.seen();
  CHECK(p.world.broker->queue("q")->unsettled == 3);
  p.client.send(1, basic::Nack{.delivery_tag = 0, .multiple = true, .requeue = false});
  p.client.seen();
  CHECK(p.world.broker->queue("q")->unsettled == 3);
  CHECK(p.world.broker->queue("q")->ready == 2);
}

TEST_CASE("a transaction takes effect at commit, and commit-ok means durable") {
  Pair p;
  p.client.send(1, amqp::tx::Select{}).publish("", "q", "1").publish("", "q", "2");
  p.client.seen();
  CHECK(p.world.broker->queue("q")->ready == 0);
  p.hold();
  p.client.send(1, amqp::tx::Commit{});
  CHECK(p.client.names().empty());
  CHECK(p.world.broker->queue("q")->ready == 2);
  p.world.offload.release();
  CHECK(p.client.names() == Names{"tx.commit-ok"});
}

TEST_CASE("a rolled back transaction leaves nothing, and its acks can be given again") {
  Pair p;
  p.client.publish("", "q", "kept");
  p.client.send(1, amqp::tx::Select{}).send(1, basic::Get{.queue = "q"});
  p.client.send(1, basic::Ack{.delivery_tag = 1}).publish("", "q", "undone").send(1, amqp::tx::Rollback{});
  CHECK(p.client.names() == Names{"tx.select-ok", "basic.get-ok", "header", "body", "tx.rollback-ok"});
  CHECK(p.world.broker->queue("q")->unsettled == 1);
  p.client.send(1, basic::Ack{.delivery_tag = 1}).send(1, amqp::tx::Commit{});
  CHECK(p.client.names() == Names{"tx.commit-ok"});
  CHECK(p.world.broker->queue("q")->unsettled == 0);
  CHECK(p.world.broker->queue("q")->ready == 0);
}

TEST_CASE("a body of many frames arrives whole, and properties stay byte for byte") {
  Pair p;
  const std::string body(100000, 'z');
  p.client.publish("", "q", body).send(1, basic::Get{.queue = "q", .no_ack = true});
  auto frames = p.client.seen();
  std::string got;
  for (const Seen& frame : frames) got += frame.name == "body" ? frame.payload : "";
  CHECK(got == body);
}

TEST_CASE("a client that goes without a word gives its deliveries back, counted; one that closes, uncounted") {
  Pair p;
  p.client.publish("", "q", "x");
  auto lost = std::make_unique<Client>(p.world);
  lost->log_in();
  lost->send(1, basic::Get{.queue = "q"});
  lost->seen();
  lost.reset();
  p.client.send(1, basic::Get{.queue = "q"});
  auto frames = p.client.seen();
  CHECK(frames[0].as<basic::GetOk>().redelivered);
  auto header = amqp::read_content_header(frames[1].payload);
  auto properties = amqp::decode_properties(header->properties);
  REQUIRE(properties);
  CHECK(properties->headers->integer("x-delivery-count") == 1);
  p.client.send(0, amqp::connection::Close{.reply_code = 200});
  CHECK(p.client.names() == Names{"connection.close-ok"});
  CHECK(p.client.overs == 1);
  CHECK(p.world.broker->queue("q")->ready == 1);
}

TEST_CASE("connection.close waits for the answers that are due") {
  Pair p;
  p.client.send(1, amqp::tx::Select{});
  p.client.seen();
  p.hold();
  p.client.publish("", "q", "x").send(1, amqp::tx::Commit{});
  p.client.send(0, amqp::connection::Close{.reply_code = 200});
  CHECK(p.client.names().empty());
  p.world.offload.release();
  CHECK(p.client.names() == Names{"tx.commit-ok", "connection.close-ok"});
}

TEST_CASE("a client is told when its consumer ends with its queue") {
  Pair p;
  p.client.send(1, basic::Consume{.queue = "q", .consumer_tag = "c"});
  p.client.seen();
  p.client.send(1, queue::Delete{.queue = "q"});
  CHECK(p.client.names() == Names{"basic.cancel", "queue.delete-ok"});
  CHECK(p.client.session.status().consumers() == 0);
}

TEST_CASE("a slow reader stops its deliveries, not the broker's memory") {
  World world;
  SessionSettings settings;
  settings.output_size_max = 10000;
  Client client(world, settings);
  client.log_in();
  client.send(1, queue::Declare{.queue = "q", .durable = true});
  client.send(1, basic::Consume{.queue = "q", .no_ack = true});
  client.seen();
  for (int i = 0; i < 50; ++i) client.publish("", "q", std::string(1000, 'x'));
  world.loop.run();
  CHECK(client.session.output().size() < 12000);
  CHECK(world.broker->queue("q")->ready > 30);
  CHECK(client.seen().size() == 150);
}

TEST_CASE("a client that asks and does not read is answered no further until it does") {
  World world;
  SessionSettings settings;
  settings.output_size_max = 10000;
  Client client(world, settings);
  client.log_in();
  client.send(1, queue::Declare{.queue = "q", .durable = true});
  for (int i = 0; i < 50; ++i) client.publish("", "q", std::string(1000, 'x'));
  client.seen();
  for (int i = 0; i < 50; ++i) client.send(1, basic::Get{.queue = "q", .no_ack = true});
  CHECK(client.session.input_paused());
  CHECK(client.session.output().size() < 22000);
  std::size_t answers = 0;
  for (std::size_t last = 1; last != 0; answers += last) {
    last = client.seen().size();
    client.session.written();
  }
  CHECK(answers == 150);
  CHECK_FALSE(client.session.input_paused());
}

TEST_CASE("input goes on after a large delivery came while the answers before it were being written") {
  World world;
  SessionSettings settings;
  settings.output_size_max = 10000;
  Client client(world, settings);
  client.log_in();
  client.send(1, queue::Declare{.queue = "q"}).send(1, queue::Declare{.queue = "large"});
  client.publish("", "q", std::string(25000, 'x'));
  client.seen();
  client.send(1, basic::Get{.queue = "q", .no_ack = true}).send(1, basic::Consume{.queue = "large", .no_ack = true});
  REQUIRE(client.session.input_paused());
  const std::string being_written = std::exchange(client.session.output(), {});
  client.send_bytes({});                        // basic.consume, which was kept
  client.session.output().append(25000, '\0');  // as a large delivery would
  client.session.written();
  CHECK(client.session.input_paused());
  client.session.output().clear();
  client.session.written();
  world.loop.run();
  CHECK_FALSE(client.session.input_paused());
  CHECK(client.resumed == 1);
}

TEST_CASE("access.request of old clients is answered") {
  Pair p;
  p.client.send(1, amqp::access::Request{});
  CHECK(p.client.only<amqp::access::RequestOk>().ticket == 1);
}

TEST_CASE("input pauses while too much is on its way to the disk, and goes on after") {
  World world;
  SessionSettings settings;
  settings.open_size_max = 10000;
  Client client(world, settings);
  client.log_in();
  client.send(1, queue::Declare{.queue = "q", .durable = true}).send(1, amqp::confirm::Select{});
  client.seen();
  world.offload.held = true;
  for (int i = 0; i < 20; ++i) client.publish("", "q", std::string(1000, 'x'));
  CHECK(client.session.input_paused());
  CHECK(world.broker->queue("q")->ready < 15);
  world.offload.release();
  client.seen();
  CHECK_FALSE(client.session.input_paused());
  CHECK(client.resumed >= 1);
  CHECK(world.broker->queue("q")->ready == 20);
}

TEST_CASE("a full disk blocks the publisher until there is room; nothing is lost and consumers go on") {
  Pair p;
  p.client.send(1, amqp::confirm::Select{}).publish("", "q", "before");
  p.client.seen();
  Client consumer(p.world);
  consumer.log_in();
  p.world.disk.full = true;
  p.client.publish("", "q", "waits").publish("", "q", "too");
  CHECK(p.client.only<amqp::connection::Blocked>().reason == "the disk is full");
  CHECK(p.client.session.input_paused());
  consumer.send(1, basic::Get{.queue = "q"}).send(1, basic::Ack{.delivery_tag = 1});
  CHECK(consumer.names().size() == 3);
  CHECK(p.world.broker->queue("q")->unsettled == 0);
  p.world.disk.full = false;
  p.world.loop.pass(std::chrono::seconds(1));
  const Names names = p.client.names();
  CAPTURE(names.size());
  CHECK(names.front() == "connection.unblocked");
  CHECK(names.back() == "basic.ack");
  CHECK(p.world.broker->queue("q")->ready == 2);
}

TEST_CASE("a transaction that finds the disk full commits when there is room") {
  Pair p;
  p.client.send(1, amqp::tx::Select{});
  p.client.seen();
  p.world.disk.full = true;
  p.client.publish("", "q", "waits").send(1, amqp::tx::Commit{});
  CHECK(p.client.names() == Names{"connection.blocked"});
  p.world.loop.pass(std::chrono::seconds(1));
  CHECK(p.client.names().empty());
  p.world.disk.full = false;
  p.world.loop.pass(std::chrono::seconds(1));
  CHECK(p.client.names() == Names{"connection.unblocked", "tx.commit-ok"});
}

TEST_CASE("a retired user's connection ends at once, and what it sent or sends later has no effect") {
  Pair p;
  p.client.send(1, amqp::tx::Select{}).publish("", "q", "never");
  p.client.seen();
  std::string commit;
  amqp::write_method(commit, 1, amqp::tx::Commit{});
  p.client.send_bytes(std::string_view(commit).substr(0, 5));
  p.world.users.retire("guest");
  CHECK(p.client.overs == 1);
  p.client.send_bytes(std::string_view(commit).substr(5));
  CHECK(p.client.session.output().empty());
  CHECK(p.world.broker->queue("q")->ready == 0);
}

TEST_CASE("silence for two heartbeat intervals ends the connection; heartbeats keep it") {
  Pair p;
  p.world.loop.pass(std::chrono::seconds(9));
  std::string beat;
  amqp::write_heartbeat(beat);
  p.client.send_bytes(beat);
  p.world.loop.pass(std::chrono::seconds(9));
  p.client.send_bytes(beat);
  auto names = p.client.names();
  CHECK(std::count(names.begin(), names.end(), "heartbeat") >= 2);
  p.world.loop.pass(std::chrono::seconds(15));
  CHECK(p.client.overs == 0);
  p.world.loop.pass(std::chrono::seconds(15));
  CHECK(p.client.overs == 1);
}

}  // namespace
}  // namespace millrace::broker
