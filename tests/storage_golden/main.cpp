// The golden data folders: what a version of the storage format has written must open, with exactly this content, for
// as long as the program says that it reads that version.
//
//   storage_golden write DIR    makes the folder anew (once for each version of the format)
//   storage_golden check DIR    opens a copy of it and compares
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "broker/broker.hpp"
#include "core/log.hpp"
#include "io/posix/disk.hpp"
#include "io/sim/loop.hpp"
#include "storage/verify.hpp"

using namespace millrace;
using broker::Settle;

namespace {

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "storage_golden: {}\n", what);
  std::exit(1);
}

void expect(bool holds, const std::string& what) {
  if (!holds) fail(what);
}

/// A broker over a folder in virtual time, so that the same calls write the same bytes.
class Site {
 public:
  explicit Site(const std::string& folder) : disk_(std::move(*io::posix::PosixDisk::open(folder))), offload_(loop_) {
    broker::Limits limits;
    limits.segment_size = 6 << 10;
    limits.entries_max = 8;
    limits.free_space_min = 0;
    auto opened = broker::Broker::open(loop_, *disk_, offload_, limits);
    if (!opened) fail(opened.error().message);
    broker_ = std::move(*opened);
    session_ = broker_->begin_session();
  }

  broker::Broker* operator->() { return broker_.get(); }
  void settle() { loop_.run_for(std::chrono::milliseconds(20)); }

  void queue(const std::string& name, amqp::FieldTable arguments = {}) {
    broker::QueueSpec spec;
    spec.name = name;
    spec.arguments = std::move(arguments);
    expect(static_cast<bool>(broker_->declare_queue(session_, spec, {})), "cannot declare " + name);
  }
  void exchange(const std::string& name, const std::string& type) {
    broker::ExchangeSpec spec;
    spec.name = name;
    spec.type = type;
    expect(static_cast<bool>(broker_->declare_exchange(session_, spec, {})), "cannot declare " + name);
  }
  void bind(const std::string& source, const std::string& to, const std::string& key, bool to_exchange = false) {
    expect(static_cast<bool>(broker_->bind(session_, {source, to, to_exchange, key, {}}, {})), "cannot bind " + to);
  }
  void publish(const std::string& exchange, const std::string& key, const std::string& body,
               amqp::Properties properties = {}) {
    properties.delivery_mode = 2;
    auto message = std::make_shared<broker::Message>();
    *message = {exchange, key, amqp::encode_properties(properties), body};
    expect(static_cast<bool>(broker_->commit(session_, {{message}, {}}, nullptr)), "cannot publish " + body);
    settle();
  }
  broker::Delivery take(const std::string& queue) {
    auto taken = broker_->get(session_, queue, false);
    if (!taken || !*taken) fail("nothing to take on " + queue);
    return std::move(**taken);
  }
  void ack(const broker::Delivery& delivery) {
    expect(static_cast<bool>(broker_->commit(session_, {{}, {{delivery.id, Settle::ack}}}, nullptr)), "cannot ack");
    settle();
  }
  void lose_session() {
    broker_->end_session(session_, broker::SessionEnd::lost);
    session_ = broker_->begin_session();
    settle();
  }
  std::vector<std::string> bodies(const std::string& queue) {
    const auto found = broker_->peek(queue, 0, 1000);
    if (!found) fail("there is no queue " + queue);
    std::vector<std::string> out;
    for (const auto& message : *found) out.push_back(message->body.substr(0, message->body.find(' ')));
    return out;
  }

 private:
  io::sim::SimLoop loop_;
  std::unique_ptr<io::posix::PosixDisk> disk_;
  io::sim::SimOffload offload_;
  std::unique_ptr<broker::Broker> broker_;
  broker::SessionId session_;
};

std::string body(const std::string& id) {
  return id + " " + std::string(150 + id.size() * 40, 'x');
}

amqp::FieldTable table(std::initializer_list<std::pair<const char*, std::int64_t>> fields) {
  amqp::FieldTable out;
  for (const auto& [name, value] : fields) out.set(name, value);
  return out;
}

void write(const std::string& folder) {
  Site site(folder);
  site.exchange("orders", "topic");
  site.exchange("all", "fanout");
  site.queue("plain");
  site.queue("ranked", table({{"x-max-priority", 5}}));
  site.queue("late", table({{"x-message-ttl", 4'000'000'000}}));
  site.queue("once", table({{"x-millrace-dedup-window", 4'000'000'000}}));
  site.queue("purged");
  site.queue("deleted");
  for (const auto* name : {"plain", "late", "purged"}) site.bind("orders", name, "order.#");
  site.bind("all", "orders", "", true);
  site.publish("", "deleted", body("gone"));
  expect(static_cast<bool>(site->delete_queue(site->begin_session(), "deleted", false, false, {})), "cannot delete");
  for (int i = 0; i < 40; ++i) {
    site.publish("all", "order.new", body(fmt::format("o{}", i)));
    amqp::Properties ranked;
    ranked.priority = static_cast<std::uint8_t>(i % 3);
    site.publish("", "ranked", body(fmt::format("r{}", i)), ranked);
    amqp::Properties once;
    once.message_id = fmt::format("id{}", i % 10);
    site.publish("", "once", body(fmt::format("i{}", i)), once);
  }
  expect(static_cast<bool>(site->purge_queue(site->begin_session(), "purged", {})), "cannot purge");
  for (int i = 0; i < 25; ++i) site.ack(site.take("plain"));
  site.take("plain");
  site.lose_session();  // o25 was lost once
  // What is left of the first segments is moved behind this.
  for (int i = 0; i < 60; ++i) {
    site.publish("", "plain", body(fmt::format("p{}", i)));
    const auto first = site.take("plain");
    const auto second = site.take("plain");
    site.ack(second);
    site.lose_session();
    (void)first;
  }
  site.settle();
}

void compare(Site& site, const std::string& queue, const std::vector<std::string>& expected) {
  const auto found = site.bodies(queue);
  if (found == expected) return;
  std::string text = fmt::format("on {} lie {} messages, expected {}:", queue, found.size(), expected.size());
  for (const auto& id : found) text += " " + id;
  fail(text);
}

std::vector<std::string> ids(const std::string& prefix, int from, int to, int step = 1) {
  std::vector<std::string> out;
  for (int i = from; i < to; i += step) out.push_back(fmt::format("{}{}", prefix, i));
  return out;
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

void check(const std::string& folder) {
  {
    auto disk = io::posix::PosixDisk::look_at(folder);
    if (!disk) fail(disk.error().message);
    const auto verified = storage::verify(**disk);
    if (!verified) fail(verified.error().message);
    for (const auto& finding : verified->findings) fmt::print(stderr, "{}: {}\n", finding.file, finding.what);
    expect(verified->is_sound() && verified->sidecars > 3, "the golden folder is not sound");
  }
  Site site(folder);
  // Of 40 + 60 messages 25 + 60 were taken, but o25 came back each time.
  compare(site, "plain", std::vector<std::string>{"o25"} + ids("p", 46, 60));
  compare(site, "late", ids("o", 0, 40));
  compare(site, "ranked", ids("r", 2, 40, 3) + ids("r", 1, 40, 3) + ids("r", 0, 40, 3));
  compare(site, "once", ids("i", 0, 10));
  compare(site, "purged", {});
  expect(!site->queue("deleted"), "the deleted queue is there");
  const auto first = site.take("plain");
  expect(first.redelivered && first.lost_count == 61, fmt::format("o25 was lost {} times", first.lost_count));
  amqp::Properties repeat;
  repeat.message_id = "id7";
  site.publish("", "once", body("repeat"), repeat);
  compare(site, "once", ids("i", 0, 10));
  site.publish("all", "order.late", body("new"));
  compare(site, "purged", {"new"});
  const auto status = site->queue("plain");
  expect(status && status->published_total == 101 && status->settled_total == 85,
         fmt::format("plain took in {} and settled {}", status->published_total, status->settled_total));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) fail("write DIR or check DIR is wanted");
  log::start(log::Level::error, "golden");
  const std::string what = arguments[1];
  if (what == "write") {
    write(arguments[2]);
    std::filesystem::remove(std::string(arguments[2]) + "/lock");
    return 0;
  }
  std::string copy = std::filesystem::temp_directory_path() / "millrace-golden-XXXXXX";
  if (::mkdtemp(copy.data()) == nullptr) fail("cannot make a folder in /tmp");
  std::filesystem::copy(arguments[2], copy);
  check(copy);
  std::filesystem::remove_all(copy);
  return 0;
}
