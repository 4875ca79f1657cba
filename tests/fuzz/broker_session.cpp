// Clients of the whole broker, log included, on a simulated disk: the input chooses methods of the right grammar with
// few names, so that they meet, and now and then bytes that are none. Time passes, clients are lost, the broker is
// killed and started again. Whatever comes, answers are whole frames and a new client is served.
#include <cstdlib>

#include "amqp/frame.hpp"
#include "amqp/properties.hpp"
#include "broker/broker.hpp"
#include "broker/session/session.hpp"
#include "core/log.hpp"
#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"

using namespace millrace;
using namespace millrace::broker;
using amqp::FieldArray;
using amqp::FieldTable;
using amqp::FieldValue;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

/// The input as choices; zeros at its end.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : rest_(bytes) {}
  bool over() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return first;
  }
  std::size_t below(std::size_t count) { return byte() % count; }
  bool flag() { return (byte() & 1) != 0; }
  template <std::size_t N>
  std::string_view of(const std::string_view (&list)[N]) {
    return list[below(N)];
  }
  std::string_view bytes(std::size_t count) {
    const auto taken = rest_.substr(0, std::min(count, rest_.size()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

constexpr std::string_view queue_names[] = {"q0", "q1", "q2", "", "amq.rabbitmq.reply-to", "none"};
constexpr std::string_view exchange_names[] = {"x0", "x1", "x2", "", "amq.topic", "amq.headers", "amq.fanout", "none"};
constexpr std::string_view keys[] = {"q0", "q1", "q2", "a.b", "a.*", "#", ""};
constexpr std::string_view types[] = {"direct", "fanout", "topic", "headers", "odd"};
constexpr std::string_view tags[] = {"", "c0", "c1"};
constexpr std::string_view overflows[] = {"drop-head", "reject-publish", "reject-publish-dlx", "odd"};
constexpr std::string_view queue_types[] = {"classic", "quorum", "odd"};
constexpr std::string_view matches[] = {"all", "any", "any-with-x", "odd"};

FieldTable queue_arguments(Choices& in) {
  FieldTable table;
  const auto which = in.byte();
  if (which & 1) table.set("x-message-ttl", std::int32_t{in.byte()});
  if (which & 2) table.set("x-dead-letter-exchange", std::string(in.of(exchange_names)));
  if (which & 4) table.set("x-max-length", std::int64_t{in.byte() % 4});
  if (which & 8) table.set("x-overflow", std::string(in.of(overflows)));
  if (which & 16) table.set("x-max-priority", std::int32_t{in.byte() % 8});
  if (which & 32) table.set("x-delivery-limit", std::int32_t{in.byte() % 3});
  if (which & 64) table.set("x-single-active-consumer", in.flag());
  if ((which & 128) == 0) return table;
  const auto more = in.byte();
  if (more & 1) table.set("x-expires", std::int32_t{in.byte()});
  if (more & 2) table.set("x-millrace-dedup-window", std::int32_t{in.byte()});
  if (more & 4) table.set("x-queue-type", std::string(in.of(queue_types)));
  if (more & 8) table.set("x-millrace-isolate-suspects", in.flag());
  if (more & 16) table.set("x-dead-letter-routing-key", std::string(in.of(keys)));
  if (more & 32) table.set("x-max-length-bytes", std::int32_t{in.byte()});
  return table;
}

amqp::Properties properties(Choices& in) {
  amqp::Properties all;
  const auto which = in.byte();
  if (which & 1) all.expiration = std::to_string(in.byte());
  if (which & 2) all.priority = in.byte();
  if (which & 4) all.message_id = std::to_string(in.below(3));
  if (which & 8) all.reply_to = "amq.rabbitmq.reply-to";
  if (which & 16) all.headers.emplace().set("CC", FieldArray{FieldValue(in.of(keys)), FieldValue(in.of(keys))});
  if (which & 32) all.user_id = in.flag() ? "guest" : "other";
  if (which & 64) {
    if (!all.headers) all.headers.emplace();
    all.headers->set("n", std::int32_t{in.byte() % 2});
  }
  return all;
}

class Machine;

class FuzzClient final : public SessionHost {
 public:
  explicit FuzzClient(Machine& machine);

  template <class Method>
  void send(std::uint16_t channel, const Method& method) {
    std::string bytes;
    amqp::write_method(bytes, channel, method);
    input(bytes);
  }
  void input(std::string_view bytes) {
    if (!session_.input_paused()) session_.input(bytes);
  }
  void log_in();
  /// What came as whole frames; the names of its methods.
  std::vector<std::string> take();
  void act(Choices& in);
  void publish(Choices& in, std::uint16_t channel);
  bool is_over() const { return session_.is_over(); }
  Session& session() { return session_; }

  void output_waiting() override {}
  void input_resumed() override {}
  void over() override {}

 private:
  void act_on_topology(std::size_t what, Choices& in, std::uint16_t channel);
  void act_on_messages(std::size_t what, Choices& in, std::uint16_t channel);

  Session session_;
};

/// The broker on its disk, and its clients.
class Machine {
 public:
  Machine() {
    users.add("guest", "guest");
    start();
  }

  void start() {
    Limits limits;
    limits.segment_size = 16 << 10;
    limits.free_space_min = 16 << 10;
    auto opened = Broker::open(loop, disk, offload, limits);
    check(static_cast<bool>(opened));
    broker = std::move(*opened);
    for (int i = 0; i < 2; ++i) connect();
  }
  void connect() {
    clients.push_back(std::make_unique<FuzzClient>(*this));
    clients.back()->log_in();
  }
  void kill(io::sim::Loss loss) {
    clients.clear();
    broker.reset();
    disk.power_on(loss);
    loop.run_tasks();
    start();
  }
  void pass(std::chrono::milliseconds time) {
    loop.run_for(time);
    for (const auto& client : clients) client->take();
  }

  io::sim::SimLoop loop;
  io::sim::SimDisk disk{1, 1u << 20};
  io::sim::SimOffload offload{loop};
  Users users;
  std::unique_ptr<Broker> broker;
  std::vector<std::unique_ptr<FuzzClient>> clients;
};

FuzzClient::FuzzClient(Machine& machine) : session_(machine.loop, *machine.broker, machine.users, *this) {}

void FuzzClient::log_in() {
  input(amqp::protocol_header);
  amqp::connection::StartOk start;
  FieldTable capabilities;
  for (const auto* name : {"consumer_cancel_notify", "connection.blocked"}) capabilities.set(name, true);
  start.client_properties.set("capabilities", capabilities);
  start.mechanism = "PLAIN";
  start.response = std::string_view("\0guest\0guest", 12);
  send(0, start);
  send(0, amqp::connection::TuneOk{.channel_max = 3, .frame_max = 4096, .heartbeat = 0});
  send(0, amqp::connection::Open{.virtual_host = "/"});
  send(1, amqp::channel::Open{});
  send(2, amqp::channel::Open{});
}

std::vector<std::string> FuzzClient::take() {
  const std::string bytes = std::exchange(session_.output(), {});
  std::vector<std::string> names;
  amqp::FrameReader reader;
  reader.set_frame_size_max(amqp::frame_size_usual);
  reader.feed(bytes);
  for (;;) {
    const auto next = reader.next();
    check(static_cast<bool>(next));
    if (!*next) break;
    amqp::Reader in((*next)->payload);
    if ((*next)->type == amqp::FrameType::method)
      names.emplace_back(amqp::name(amqp::MethodId{in.number<std::uint32_t>()}));
  }
  check(reader.waiting() == 0);
  session_.written();
  return names;
}

void FuzzClient::publish(Choices& in, std::uint16_t channel) {
  std::string bytes;
  amqp::write_method(
      bytes, channel,
      amqp::basic::Publish{.exchange = in.of(exchange_names), .routing_key = in.of(keys), .mandatory = in.flag()});
  amqp::write_content(bytes, channel, amqp::encode_properties(properties(in)), std::string(in.byte() * 8u, 'x'), 4096);
  input(bytes);
}

void FuzzClient::act_on_topology(std::size_t what, Choices& in, std::uint16_t channel) {
  FieldTable table;
  switch (what) {
    case 0:
      return send(channel, amqp::queue::Declare{.queue = in.of(queue_names),
                                                .passive = in.below(8) == 0,
                                                .durable = in.flag(),
                                                .exclusive = in.below(4) == 0,
                                                .auto_delete = in.below(4) == 0,
                                                .no_wait = in.below(8) == 0,
                                                .arguments = queue_arguments(in)});
    case 1:
      if (in.flag()) table.set("alternate-exchange", std::string(in.of(exchange_names)));
      return send(channel, amqp::exchange::Declare{.exchange = in.of(exchange_names),
                                                   .type = in.of(types),
                                                   .durable = in.flag(),
                                                   .auto_delete = in.below(4) == 0,
                                                   .internal = in.below(8) == 0,
                                                   .arguments = table});
    case 2:
      if (in.flag()) table.set("x-match", std::string(in.of(matches)));
      table.set("n", std::int64_t{in.byte() % 2});
      return send(channel, amqp::queue::Bind{.queue = in.of(queue_names),
                                             .exchange = in.of(exchange_names),
                                             .routing_key = in.of(keys),
                                             .arguments = table});
    case 3:
      return send(channel,
                  amqp::queue::Unbind{
                      .queue = in.of(queue_names), .exchange = in.of(exchange_names), .routing_key = in.of(keys)});
    case 4:
      return send(channel, amqp::exchange::Bind{.destination = in.of(exchange_names),
                                                .source = in.of(exchange_names),
                                                .routing_key = in.of(keys)});
    case 5:
      return send(channel,
                  amqp::queue::Delete{.queue = in.of(queue_names), .if_unused = in.flag(), .if_empty = in.flag()});
    case 6:
      return send(channel, amqp::exchange::Delete{.exchange = in.of(exchange_names), .if_unused = in.flag()});
    default:
      return send(channel, amqp::queue::Purge{.queue = in.of(queue_names)});
  }
}

void FuzzClient::act_on_messages(std::size_t what, Choices& in, std::uint16_t channel) {
  FieldTable table;
  switch (what) {
    case 0:
      if (in.flag()) table.set("x-priority", std::int32_t{in.byte() % 3});
      return send(channel, amqp::basic::Consume{.queue = in.of(queue_names),
                                                .consumer_tag = in.of(tags),
                                                .no_ack = in.flag(),
                                                .exclusive = in.below(8) == 0,
                                                .arguments = table});
    case 1:
      return send(channel, amqp::basic::Get{.queue = in.of(queue_names), .no_ack = in.flag()});
    case 2:
      return send(channel, amqp::basic::Ack{.delivery_tag = in.below(6), .multiple = in.flag()});
    case 3:
      return send(channel, amqp::basic::Nack{.delivery_tag = in.below(6), .multiple = in.flag(), .requeue = in.flag()});
    case 4:
      return send(channel, amqp::basic::Cancel{.consumer_tag = in.of(tags)});
    case 5:
      return send(channel,
                  amqp::basic::Qos{.prefetch_count = static_cast<std::uint16_t>(in.below(4)), .global = in.flag()});
    case 6:
      return send(channel, amqp::basic::Recover{.requeue = in.below(8) != 0});
    case 7:
      return send(channel, amqp::tx::Select{});
    case 8:
      return send(channel, amqp::tx::Commit{});
    case 9:
      return send(channel, amqp::tx::Rollback{});
    case 10:
      return send(channel, amqp::confirm::Select{});
    case 11:
      return send(channel, amqp::channel::Flow{.active = in.flag()});
    case 12:
      return send(channel, amqp::channel::Close{});
    case 13:
      return send(channel, amqp::channel::Open{});
    default:
      return send(channel, amqp::channel::CloseOk{});
  }
}

void FuzzClient::act(Choices& in) {
  const auto channel = static_cast<std::uint16_t>(1 + in.below(2));
  const auto what = in.below(40);
  if (what < 12) return publish(in, channel);
  if (what < 20) return act_on_topology(what - 12, in, channel);
  if (what < 35) return act_on_messages(what - 20, in, channel);
  if (what < 37) return input(in.bytes(in.byte()));  // whatever it is
  if (what == 37) {
    std::string bytes;
    amqp::write_frame(bytes, amqp::FrameType::method, channel, in.bytes(in.byte()));
    return input(bytes);
  }
  if (what == 38) return send(0, amqp::connection::Close{});
  send(0, amqp::connection::CloseOk{});
}

void step(Machine& machine, Choices& in) {
  const auto what = in.below(32);
  auto& clients = machine.clients;
  if (what < 26 && !clients.empty()) return clients[in.below(clients.size())]->act(in);
  switch (what) {
    case 26:
      if (!clients.empty()) clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(in.below(clients.size())));
      return;
    case 27:
      if (clients.size() < 3) machine.connect();
      return;
    case 28:
      return machine.kill(in.flag() ? io::sim::Loss::nothing : io::sim::Loss::torn);
    case 29:
      return machine.disk.set_capacity(in.flag() ? 1u << 20 : 8u << 10);
    default:
      return machine.pass(std::chrono::milliseconds(in.byte()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  log::start(log::Level::error, "fuzz");
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices in(std::string_view(reinterpret_cast<const char*>(data), size));
  Machine machine;
  while (!in.over()) step(machine, in);
  machine.disk.set_capacity(1u << 20);
  machine.pass(std::chrono::seconds(2));
  machine.clients.clear();
  machine.connect();
  auto& last = *machine.clients.front();
  machine.pass(std::chrono::milliseconds(10));
  last.send(1, amqp::queue::Declare{.queue = "last of all", .durable = true});
  machine.loop.run_tasks();
  const auto names = last.take();
  check(!names.empty() && names.back() == "queue.declare-ok");
  return 0;
}
