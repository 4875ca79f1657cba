#include "amqp/client/link_protocol.hpp"

#include <doctest/doctest.h>

#include "amqp/properties.hpp"

namespace millrace::amqp::client {
namespace {

/// The broker's side by hand: what the link has sent, frame by frame, and answers to it.
struct Table {
  int ready = 0;
  int committed = 0;
  int closed = 0;
  std::vector<Delivery> delivered;
  std::optional<Error> failed;
  LinkProtocol link;

  explicit Table(std::string queue = "q")
      : link(BrokerUri{},
             StepLink::Settings{.uri = {}, .queue = std::move(queue), .prefetch = 5, .connection_name = "w"},
             LinkProtocol::Events{.ready = [this] { ++ready; },
                                  .delivered = [this](Delivery d) { delivered.push_back(std::move(d)); },
                                  .committed = [this] { ++committed; },
                                  .failed = [this](Error e) { failed = std::move(e); },
                                  .closed = [this] { ++closed; }}) {}

  std::string sent() { return std::exchange(link.output(), {}); }

  std::vector<std::string> sent_names() {
    std::string bytes = sent();
    if (bytes.starts_with(protocol_header)) bytes.erase(0, protocol_header.size());
    FrameReader reader;
    reader.set_frame_size_max(frame_size_usual);
    reader.feed(bytes);
    std::vector<std::string> names;
    while (auto next = reader.next()) {
      if (!*next) break;
      if ((*next)->type != FrameType::method) {
        names.push_back((*next)->type == FrameType::header ? "header" : "body");
        continue;
      }
      Reader in((*next)->payload);
      names.emplace_back(name(MethodId{in.number<std::uint32_t>()}));
    }
    return names;
  }

  template <class Method>
  void receive(std::uint16_t channel, const Method& method) {
    std::string bytes;
    write_method(bytes, channel, method);
    link.input(bytes);
  }

  void open() {
    receive(0,
            connection::Start{.version_minor = 9, .server_properties = {}, .mechanisms = "PLAIN", .locales = "en_US"});
    receive(0, connection::Tune{.channel_max = 2047, .frame_max = 8192, .heartbeat = 60});
    receive(0, connection::OpenOk{});
    receive(1, channel::OpenOk{});
    receive(1, tx::SelectOk{});
  }
};

using Names = std::vector<std::string>;

TEST_CASE("a link greets, logs in, opens a transactional channel and consumes") {
  Table table;
  CHECK(table.sent() == protocol_header);
  table.open();
  CHECK(table.sent_names() == Names{"connection.start-ok", "connection.tune-ok", "connection.open", "channel.open",
                                    "tx.select", "basic.qos", "basic.consume"});
  CHECK(table.link.heartbeat_interval() == 30);
  CHECK(table.ready == 0);
  table.receive(1, basic::QosOk{});
  table.receive(1, basic::ConsumeOk{.consumer_tag = "step"});
  CHECK(table.ready == 1);
}

TEST_CASE("a link that only publishes is ready without a consumer") {
  Table table("");
  table.open();
  CHECK(table.ready == 1);
}

TEST_CASE("a commit is publishes, acks and tx.commit in one piece; one given early goes out when the channel is open") {
  Table table("");
  table.sent();
  Commit commit;
  commit.publishes.push_back({"e", "k", encode_properties({}), std::string(10000, 'x')});
  commit.acks = {1, 2};
  table.link.commit(commit);
  CHECK(table.sent().empty());
  table.open();
  auto names = table.sent_names();
  CHECK(Names(names.end() - 7, names.end()) ==
        Names{"basic.publish", "header", "body", "body", "basic.ack", "basic.ack", "tx.commit"});
  table.receive(1, tx::CommitOk{});
  CHECK(table.committed == 1);
}

TEST_CASE("a delivery comes together from its frames") {
  Table table;
  table.open();
  std::string bytes;
  const std::string properties = [] {
    Properties some;
    some.message_id = "m";
    return encode_properties(some);
  }();
  write_method(
      bytes, 1,
      basic::Deliver{
          .consumer_tag = "step", .delivery_tag = 9, .redelivered = true, .exchange = "e", .routing_key = "k"});
  write_content(bytes, 1, properties, std::string(9000, 'y'), 4096);
  write_method(bytes, 1, basic::Deliver{.consumer_tag = "step", .delivery_tag = 10});
  write_content(bytes, 1, properties, "", 4096);
  table.link.input(bytes);
  REQUIRE(table.delivered.size() == 2);
  CHECK(table.delivered[0].tag == 9);
  CHECK(table.delivered[0].redelivered);
  CHECK(table.delivered[0].properties == properties);
  CHECK(table.delivered[0].body == std::string(9000, 'y'));
  CHECK(table.delivered[1].body.empty());
}

TEST_CASE("the reason of a lost link says what the broker said") {
  Table table;
  CHECK(table.link.end_of_stream().kind == Error::Kind::unavailable);
  table.receive(0,
                connection::Start{.version_minor = 9, .server_properties = {}, .mechanisms = "PLAIN", .locales = ""});
  CHECK(table.link.end_of_stream().kind == Error::Kind::permission);
  table.sent();
  table.receive(0, connection::Close{.reply_code = 403, .reply_text = "ACCESS_REFUSED - no"});
  REQUIRE(table.failed);
  CHECK(table.failed->kind == Error::Kind::permission);
  CHECK(table.failed->message.find("403 ACCESS_REFUSED - no") != std::string::npos);
  CHECK(table.sent_names() == Names{"connection.close-ok"});
}

TEST_CASE("a link whose queue is deleted fails with that reason") {
  Table table("orders");
  table.open();
  table.receive(1, basic::Cancel{.consumer_tag = "step", .no_wait = true});
  REQUIRE(table.failed);
  CHECK(table.failed->kind == Error::Kind::not_found);
  CHECK(table.failed->message.find("orders") != std::string::npos);
}

TEST_CASE("in confirm mode publishes are mandatory, and the broker's answers and returns are told") {
  std::vector<std::string> told;
  int opened = 0;
  LinkProtocol::Events events{
      .opened = [&] { ++opened; }, .ready = [] {}, .delivered = {}, .committed = {}, .failed = {}, .closed = {}};
  events.answered = [&](std::uint64_t number, bool multiple, bool confirmed) {
    told.push_back((confirmed ? "ack " : "nack ") + std::to_string(number) + (multiple ? " and before" : ""));
  };
  events.returned = [&](const Outgoing& message, const std::string& why) {
    told.push_back(message.routing_key + " " + message.body + ": " + why);
  };
  events.blocked = [&](bool blocked) { told.emplace_back(blocked ? "blocked" : "unblocked"); };
  LinkProtocol link(BrokerUri{}, StepLink::Settings{.uri = {}, .queue = {}, .connection_name = {}, .confirms = {{}}},
                    std::move(events));
  const auto receive = [&](std::uint16_t channel, const auto& method) {
    std::string bytes;
    write_method(bytes, channel, method);
    link.input(bytes);
  };
  receive(0, connection::Start{.version_minor = 9, .server_properties = {}, .mechanisms = "PLAIN", .locales = "en_US"});
  receive(0, connection::Tune{.channel_max = 2047, .frame_max = 8192, .heartbeat = 60});
  receive(0, connection::OpenOk{});
  receive(1, channel::OpenOk{});
  CHECK(link.output().find("tx") == std::string::npos);
  receive(1, confirm::SelectOk{});
  CHECK(opened == 1);
  link.output().clear();
  link.publish({"e", "k", encode_properties({}), "x"});
  FrameReader reader;
  reader.feed(link.output());
  const auto frame = reader.next();
  REQUIRE(frame);
  Reader in((*frame)->payload);
  in.number<std::uint32_t>();
  CHECK(basic::Publish::read(in).mandatory);

  receive(1, basic::Return{.reply_code = 312, .reply_text = "NO_ROUTE", .exchange = "e", .routing_key = "k"});
  std::string content;
  write_content(content, 1, encode_properties({}), "x", 8192);
  link.input(content);
  receive(1, basic::Ack{.delivery_tag = 1, .multiple = true});
  receive(1, basic::Nack{.delivery_tag = 2});
  receive(0, connection::Blocked{.reason = "low on memory"});
  receive(0, connection::Unblocked{});
  CHECK(told == std::vector<std::string>{"k x: 312 NO_ROUTE", "ack 1 and before", "nack 2", "blocked", "unblocked"});
}

TEST_CASE("closing in order is answered with closed") {
  Table table;
  table.open();
  table.link.stop_consuming();
  table.link.close();
  auto names = table.sent_names();
  CHECK(Names(names.end() - 2, names.end()) == Names{"basic.cancel", "connection.close"});
  table.receive(0, connection::CloseOk{});
  CHECK(table.closed == 1);
  CHECK_FALSE(table.failed);
}

TEST_CASE("nonsense from the broker is a failure, not a crash") {
  Table table;
  table.link.input("HTTP/1.1 400 Bad Request\r\n\r\n");
  REQUIRE(table.failed);
  CHECK(table.failed->kind == Error::Kind::invalid);
}

}  // namespace
}  // namespace millrace::amqp::client
