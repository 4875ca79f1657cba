#include "desk.hpp"

namespace millrace::broker {

std::vector<Seen> frames_in(std::string_view bytes) {
  if (bytes == amqp::protocol_header) return {};
  amqp::FrameReader reader;
  reader.set_frame_size_max(amqp::frame_size_usual);
  reader.feed(bytes);
  std::vector<Seen> all;
  for (;;) {
    auto next = reader.next();
    MILLRACE_CHECK(next, "the session wrote what is no frame");
    if (!*next) break;
    const amqp::Frame& frame = **next;
    amqp::Reader in(frame.payload);
    switch (frame.type) {
      case amqp::FrameType::method: {
        const amqp::MethodId id{in.number<std::uint32_t>()};
        all.push_back({std::string(amqp::name(id)), frame.channel, std::string(in.rest())});
        break;
      }
      case amqp::FrameType::header:
        all.push_back({"header", frame.channel, std::string(frame.payload)});
        break;
      case amqp::FrameType::body:
        all.push_back({"body", frame.channel, std::string(frame.payload)});
        break;
      case amqp::FrameType::heartbeat:
        all.push_back({"heartbeat", frame.channel, {}});
    }
  }
  MILLRACE_CHECK(reader.waiting() == 0, "the session wrote half a frame");
  return all;
}

World::World() {
  auto opened = Broker::open(loop, disk, offload, {});
  MILLRACE_CHECK(opened, "no broker");
  broker = std::move(*opened);
  users.add("guest", "guest");
}

Client::Client(World& the_world, SessionSettings settings)
    : world(the_world), session(world.loop, *world.broker, world.users, *this, settings) {}

void Client::log_in(std::uint16_t frame_max, std::string_view password) {
  amqp::FieldTable capabilities;
  for (auto name : {"consumer_cancel_notify", "connection.blocked", "authentication_failure_close"}) {
    capabilities.set(name, true);
  }
  amqp::connection::StartOk start;
  start.client_properties.set("capabilities", capabilities);
  start.mechanism = "PLAIN";
  const std::string response = std::string("\0guest\0", 7) + std::string(password);
  start.response = response;
  send_bytes(amqp::protocol_header).send(0, start);
  if (password != "guest") return;
  send(0, amqp::connection::TuneOk{.channel_max = 100, .frame_max = frame_max, .heartbeat = 10});
  send(0, amqp::connection::Open{.virtual_host = "/"}).send(1, amqp::channel::Open{});
  seen();
}

Client& Client::send_bytes(std::string_view bytes) {
  session.input(bytes);
  return *this;
}

Client& Client::publish(std::string_view exchange, std::string_view key, std::string_view body, bool mandatory,
                        std::uint16_t channel) {
  std::string bytes;
  amqp::write_method(bytes, channel,
                     amqp::basic::Publish{.exchange = exchange, .routing_key = key, .mandatory = mandatory});
  amqp::write_content(bytes, channel, amqp::encode_properties({}), body, 4096);
  return send_bytes(bytes);
}

std::vector<Seen> Client::seen() {
  std::vector<Seen> all;
  for (;;) {
    world.loop.run();
    std::string bytes = std::exchange(session.output(), {});
    if (bytes.empty()) return all;
    for (Seen& frame : frames_in(bytes)) all.push_back(std::move(frame));
    session.written();
  }
}

std::vector<std::string> Client::names() {
  std::vector<std::string> all;
  for (Seen& frame : seen()) all.push_back(std::move(frame.name));
  return all;
}

}  // namespace millrace::broker
