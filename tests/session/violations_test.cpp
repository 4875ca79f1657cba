#include <random>

#include <doctest/doctest.h>

#include "desk.hpp"

namespace millrace::broker {
namespace {

namespace basic = amqp::basic;
namespace queue = amqp::queue;

struct Opened {
  World world;
  Client client{world};
  Opened() {
    client.log_in();
    client.send(1, queue::Declare{.queue = "q", .durable = true});
    client.seen();
  }
  template <class Method>
  std::uint16_t closes_channel(const Method& method) {
    client.send(1, method);
    const auto close = client.only<amqp::channel::Close>();
    client.send(1, amqp::channel::CloseOk{}).send(1, amqp::channel::Open{});
    CHECK(client.names() == std::vector<std::string>{"channel.open-ok"});
    return close.reply_code;
  }
  std::uint16_t closes_connection(std::string_view bytes) {
    client.send_bytes(bytes);
    const auto code = client.only<amqp::connection::Close>().reply_code;
    client.send(0, amqp::connection::CloseOk{});
    CHECK(client.overs == 1);
    return code;
  }
  template <class Method>
  std::uint16_t closes_connection(std::uint16_t channel, const Method& method) {
    std::string bytes;
    amqp::write_method(bytes, channel, method);
    return closes_connection(std::string_view(bytes));
  }
};

TEST_CASE("soft errors close the channel with the specification's code, and the channel can be opened again") {
  Opened o;
  CHECK(o.closes_channel(queue::Declare{.queue = "none", .passive = true}) == 404);
  CHECK(o.closes_channel(basic::Publish{.exchange = "none"}) == 404);
  CHECK(o.closes_channel(basic::Consume{.queue = "none"}) == 404);
  CHECK(o.closes_channel(basic::Get{}) == 404);
  CHECK(o.closes_channel(basic::Ack{.delivery_tag = 1}) == 406);
  CHECK(o.closes_channel(basic::Nack{.delivery_tag = 5, .multiple = true}) == 406);
  CHECK(o.closes_channel(queue::Declare{.queue = "q", .durable = false}) == 406);
  CHECK(o.closes_channel(amqp::tx::Commit{}) == 406);
  CHECK(o.closes_channel(amqp::exchange::Declare{.exchange = "amq.x", .type = "direct"}) == 403);
}

TEST_CASE("hard errors close the connection with the specification's code") {
  SUBCASE("method on a channel not open") {
    CHECK(Opened().closes_connection(5, basic::Qos{}) == 504);
  }
  SUBCASE("channel opened twice") {
    CHECK(Opened().closes_connection(1, amqp::channel::Open{}) == 504);
  }
  SUBCASE("channel beyond the maximum") {
    CHECK(Opened().closes_connection(101, amqp::channel::Open{}) == 504);
  }
  SUBCASE("a server's method") {
    CHECK(Opened().closes_connection(1, amqp::tx::CommitOk{}) == 503);
  }
  SUBCASE("a channel's method on channel 0") {
    CHECK(Opened().closes_connection(0, basic::Qos{}) == 503);
  }
  SUBCASE("immediate") {
    CHECK(Opened().closes_connection(1, basic::Publish{.immediate = true}) == 540);
  }
  SUBCASE("prefetch by size") {
    CHECK(Opened().closes_connection(1, basic::Qos{.prefetch_size = 9}) == 540);
  }
  SUBCASE("a consumer tag twice") {
    Opened o;
    o.client.send(1, basic::Consume{.queue = "q", .consumer_tag = "c"});
    o.client.seen();
    CHECK(o.closes_connection(1, basic::Consume{.queue = "q", .consumer_tag = "c"}) == 530);
  }
  SUBCASE("frame end missing") {
    std::string bytes;
    amqp::write_method(bytes, 1, basic::Qos{});
    bytes.back() = 'x';
    CHECK(Opened().closes_connection(bytes) == 501);
  }
  SUBCASE("frame too large") {
    std::string bytes;
    amqp::write_frame(bytes, amqp::FrameType::body, 1, std::string(5000, 'x'));
    CHECK(Opened().closes_connection(bytes) == 501);
  }
  SUBCASE("content without a publish") {
    std::string bytes;
    amqp::write_content(bytes, 1, std::string(2, '\0'), "", 4096);
    CHECK(Opened().closes_connection(bytes) == 505);
  }
  SUBCASE("method within a content") {
    std::string bytes;
    amqp::write_method(bytes, 1, basic::Publish{.routing_key = "q"});
    amqp::write_method(bytes, 1, basic::Qos{});
    CHECK(Opened().closes_connection(bytes) == 505);
  }
  SUBCASE("malformed properties") {
    std::string bytes;
    amqp::write_method(bytes, 1, basic::Publish{.routing_key = "q"});
    amqp::write_content(bytes, 1, "\xff\xff", "", 4096);
    CHECK(Opened().closes_connection(bytes) == 502);
  }
  SUBCASE("malformed arguments") {
    std::string bytes;
    amqp::write_frame(bytes, amqp::FrameType::method, 1, std::string("\0\x3c\0\x14\0\0\xff", 7));
    CHECK(Opened().closes_connection(bytes) == 502);
  }
  SUBCASE("bodies begun on several channels are too large together") {
    SessionSettings settings;
    settings.message_size_max = 5000;
    World world;
    Client client(world, settings);
    client.log_in();
    const auto publish = [](std::uint16_t channel, bool whole) {
      std::string bytes;
      amqp::write_method(bytes, channel, basic::Publish{.routing_key = "q"});
      amqp::write_content(bytes, channel, std::string(2, '\0'), std::string(4500, 'x'), 4096);
      constexpr std::size_t last_frame = 4500 - 4088 + 8;
      return bytes.substr(0, bytes.size() - (whole ? 0 : last_frame));
    };
    for (std::uint16_t channel = 2; channel < 5; ++channel) client.send(channel, amqp::channel::Open{});
    client.seen();
    for (int i = 0; i < 4; ++i) client.send_bytes(publish(1, true));  // whole ones do not count any more
    for (std::uint16_t channel = 2; channel < 4; ++channel) client.send_bytes(publish(channel, false));
    CHECK(client.seen().empty());
    client.send_bytes(publish(4, false));
    CHECK(client.only<amqp::connection::Close>().reply_code == 506);
  }
  SUBCASE("no such method") {
    std::string bytes;
    amqp::write_frame(bytes, amqp::FrameType::method, 1, std::string("\0\x63\0\x63", 4));
    CHECK(Opened().closes_connection(bytes) == 540);
  }
}

TEST_CASE("a frame size or a channel count beyond what was offered, and an unknown vhost, are not allowed") {
  World world;
  Client client(world);
  client.log_in();
  Client greedy(world);
  amqp::connection::StartOk start;
  start.mechanism = "PLAIN";
  const std::string response("\0guest\0guest", 12);
  start.response = response;
  greedy.send_bytes(amqp::protocol_header).send(0, start);
  greedy.seen();
  greedy.send(0, amqp::connection::TuneOk{.channel_max = 100, .frame_max = 1u << 30});
  CHECK(greedy.only<amqp::connection::Close>().reply_code == 530);
  Client lost(world);
  lost.send_bytes(amqp::protocol_header).send(0, start);
  lost.send(0, amqp::connection::TuneOk{});
  lost.seen();
  lost.send(0, amqp::connection::Open{.virtual_host = "elsewhere"});
  CHECK(lost.only<amqp::connection::Close>().reply_code == 530);
}

TEST_CASE("a user without permission is refused with 403") {
  World world;
  world.users.add("guest", "guest", Permissions{.configure = "", .write = "mine", .read = "q"});
  Client client(world);
  client.log_in();
  for (int which = 0; which < 3; ++which) {
    if (which == 0) client.send(1, queue::Declare{.queue = "other"});
    if (which == 1) client.send(1, basic::Publish{.exchange = "amq.fanout"});
    if (which == 2) client.send(1, basic::Get{.queue = "other"});
    CHECK(client.only<amqp::channel::Close>().reply_code == 403);
    client.send(1, amqp::channel::CloseOk{}).send(1, amqp::channel::Open{});
    client.seen();
  }
}

TEST_CASE("whatever bytes come, the session answers frames or ends, and others are served") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  World world;
  for (int round = 0; round < 2000; ++round) {
    Client client(world);
    client.log_in();
    std::string bytes;
    amqp::write_method(bytes, 1, queue::Declare{.queue = "q", .durable = true});
    amqp::write_method(bytes, 1, basic::Consume{.queue = "q"});
    amqp::write_method(bytes, 1, basic::Publish{.routing_key = "q"});
    amqp::write_content(bytes, 1, amqp::encode_properties({}), "body", 4096);
    amqp::write_method(bytes, 1, basic::Ack{.delivery_tag = 1});
    amqp::write_method(bytes, 1, amqp::tx::Select{});
    for (int hits = static_cast<int>(random() % 4); hits > 0; --hits) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    client.send_bytes(bytes);
    client.seen();
  }
  Client last(world);
  last.log_in();
  CHECK(last.session.status().channels.size() == 1);
}

}  // namespace
}  // namespace millrace::broker
