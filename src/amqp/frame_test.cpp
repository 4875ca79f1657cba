#include "amqp/frame.hpp"

#include <random>
#include <vector>

#include <doctest/doctest.h>

namespace millrace::amqp {
namespace {

struct Seen {
  FrameType type;
  std::uint16_t channel;
  std::string payload;
  friend bool operator==(const Seen&, const Seen&) = default;
};

/// Feeds `wire` in pieces that `next_size` chooses and collects the frames.
template <class NextSize>
std::vector<Seen> read_all(std::string_view wire, NextSize next_size, std::uint32_t frame_size_max) {
  FrameReader reader;
  reader.set_frame_size_max(frame_size_max);
  std::vector<Seen> seen;
  while (!wire.empty()) {
    const std::string piece(wire.substr(0, next_size()));
    wire.remove_prefix(piece.size());
    reader.feed(piece);
    for (;;) {
      auto next = reader.next();
      REQUIRE(next);
      if (!*next) break;
      seen.push_back({(*next)->type, (*next)->channel, std::string((*next)->payload)});
    }
    reader.keep();
  }
  CHECK(reader.waiting() == 0);
  return seen;
}

TEST_CASE("a method goes through the wire and comes back with every field") {
  std::string out;
  queue::Declare declare;
  declare.queue = "orders";
  declare.durable = true;
  declare.no_wait = true;
  declare.arguments.set("x-message-ttl", std::int32_t{5000});
  write_method(out, 7, declare);

  FrameReader reader;
  reader.feed(out);
  auto frame = reader.next();
  REQUIRE(frame);
  REQUIRE(*frame);
  CHECK((*frame)->channel == 7);
  Reader in((*frame)->payload);
  REQUIRE(MethodId{in.number<std::uint32_t>()} == MethodId::queue_declare);
  auto back = queue::Declare::read(in);
  CHECK(in.ok());
  CHECK(in.at_end());
  CHECK(back.queue == "orders");
  CHECK_FALSE(back.passive);
  CHECK(back.durable);
  CHECK_FALSE(back.exclusive);
  CHECK(back.no_wait);
  CHECK(back.arguments == declare.arguments);
}

TEST_CASE("the bytes are those of the specification") {
  std::string out;
  write_method(out, 1, basic::Ack{.delivery_tag = 258, .multiple = true});
  CHECK(out == std::string("\x01\0\x01\0\0\0\x0d\0\x3c\0\x50\0\0\0\0\0\0\x01\x02\x01\xce", 21));
  CHECK(name(MethodId::basic_ack) == "basic.ack");
  CHECK(from_client(MethodId::basic_ack));
  CHECK(from_server(MethodId::basic_ack));
  CHECK_FALSE(from_server(MethodId::basic_publish));
  CHECK_FALSE(from_client(MethodId{0xffffffff}));
  CHECK(name(MethodId{0xffffffff}).empty());
  out.clear();
  write_heartbeat(out);
  CHECK(out == std::string("\x08\0\0\0\0\0\0\xce", 8));
}

TEST_CASE("however the stream is cut, the same frames come out") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string wire;
    std::vector<Seen> sent;
    for (int count = static_cast<int>(random() % 20); count > 0; --count) {
      Seen frame{random() % 2 ? FrameType::body : FrameType::header, static_cast<std::uint16_t>(random()), {}};
      frame.payload.resize(random() % 4 ? random() % 50 : random() % (frame_size_min - frame_overhead + 1));
      for (char& byte : frame.payload) byte = static_cast<char>(random());
      write_frame(wire, frame.type, frame.channel, frame.payload);
      sent.push_back(std::move(frame));
    }
    const std::size_t largest = 1 + random() % 6000;
    CHECK(read_all(
              wire, [&] { return 1 + random() % largest; }, frame_size_min) == sent);
  }
}

TEST_CASE("a content of any size is split at the frame size and comes together again") {
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4088}, std::size_t{4089}, std::size_t{100000}}) {
    const std::string body(size, 'b');
    std::string wire;
    write_content(wire, 3, std::string(2, '\0'), body, frame_size_min);
    auto frames = read_all(
        wire, [] { return 1000; }, frame_size_min);
    REQUIRE(frames.size() == 1 + (size + 4087) / 4088);
    auto header = read_content_header(frames[0].payload);
    REQUIRE(header);
    CHECK(header->class_index == 60);
    CHECK(header->body_size == size);
    CHECK(header->properties == std::string(2, '\0'));
    std::string together;
    for (std::size_t i = 1; i < frames.size(); ++i) together += frames[i].payload;
    CHECK(together == body);
  }
}

TEST_CASE("a frame that breaks the rules is a frame error") {
  const auto refused = [](std::string wire) {
    FrameReader reader;
    reader.feed(wire);
    auto next = reader.next();
    REQUIRE_FALSE(next);
    return next.error();
  };
  std::string bad_end;
  write_frame(bad_end, FrameType::body, 1, "abc");
  bad_end.back() = 'x';
  CHECK(refused(bad_end).code == ReplyCode::frame_error);
  CHECK(refused(std::string("\x05\0\x01\0\0\0\0\xce", 8)).text.find("type 5") != std::string::npos);
  std::string large;
  write_frame(large, FrameType::body, 1, std::string(frame_size_min + 1, 'x'));
  CHECK(refused(large.substr(0, 20)).code == ReplyCode::frame_error);
  CHECK(refused(std::string("\x03\0\x01\xff\xff\xff\xff", 7)).code == ReplyCode::frame_error);
  CHECK_FALSE(read_content_header("short"));
}

}  // namespace
}  // namespace millrace::amqp
