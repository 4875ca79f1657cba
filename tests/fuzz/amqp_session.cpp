// The session over a broker in memory, fed frames whose types, methods and arguments the fuzzer makes up: whatever
// comes, it answers whole frames or ends (desk.cpp checks them), and another client is served.
#include <cstdint>
#include <cstdlib>

#include "session/desk.hpp"

using namespace millrace;
using namespace millrace::broker;

namespace {

/// Input as frames, so that most of it gets past the frame reader: type, channel, size, payload.
std::string framed(amqp::Reader in) {
  std::string wire;
  while (!in.at_end()) {
    const auto choice = in.number<std::uint8_t>();
    const auto size = std::min<std::size_t>(in.number<std::uint8_t>(), in.rest().size());
    const amqp::FrameType types[] = {amqp::FrameType::method, amqp::FrameType::method, amqp::FrameType::header,
                                     amqp::FrameType::body};
    amqp::write_frame(wire, types[choice & 3], choice >> 6, in.bytes(size));
  }
  return wire;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  World world;
  Client client(world);
  if (data[0] & 1) client.log_in();
  if (data[0] & 2) {
    client.send(1, amqp::queue::Declare{.queue = "q"}).send(1, amqp::basic::Consume{.queue = "q"});
    client.publish("", "q", "one").publish("", "q", "two");
  }
  if (data[0] & 4) client.send(1, amqp::tx::Select{});
  world.offload.held = (data[0] & 8) != 0;
  world.disk.full = (data[0] & 16) != 0;
  const std::string wire = data[0] & 32 ? std::string(bytes) : framed(amqp::Reader(bytes));
  const std::size_t piece = data[1] + 1u;
  for (std::size_t at = 0; at < wire.size(); at += piece) client.send_bytes(wire.substr(at, piece));
  client.seen();
  world.disk.full = false;
  world.offload.release();
  world.loop.pass(std::chrono::seconds(2));
  if (data[0] & 64) world.users.retire("guest");
  client.seen();
  world.users.add("guest", "guest");
  Client other(world);
  other.log_in();
  if (other.session.status().channels.size() != 1) std::abort();
  return 0;
}
