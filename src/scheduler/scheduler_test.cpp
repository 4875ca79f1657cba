#include "scheduler/scheduler.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "component/json_text.hpp"
#include "core/time/timestamp.hpp"
#include "io/posix/disk.hpp"
#include "io/sim/loop.hpp"
#include "support/disk_broker.hpp"

using namespace millrace;
using namespace std::chrono_literals;
namespace json_text = component::json_text;

namespace {

using Texts = std::vector<std::string>;

flow::Plan plan_of(bool polls, std::string_view config) {
  auto schedule = component::Schedule::read(boost::json::parse({config.data(), config.size()}).as_object());
  REQUIRE(schedule);
  flow::Plan plan;
  plan.flow = "f";
  plan.ticks = flow::TickPlan{"t", polls, *schedule};
  return plan;
}

io::WallTime at(std::string_view text) {
  const auto time = parse_timestamp(text);
  REQUIRE(time);
  return *time;
}

/// A broker in virtual time on a real disk, and the scheduler of one flow `f` with the trigger `t`; it begins at noon.
class Clockwork {
 public:
  explicit Clockwork(bool polls = false) : polls_(polls) { open(); }

  /// Starts a scheduler; one that is there goes first, as if its process had died.
  void start(std::string_view config) {
    crash();
    scheduler_ = std::make_unique<scheduler::Scheduler>(loop, *broker_);
    scheduler_->serve(plan_of(polls_, config));
    loop.run_tasks();
  }

  /// Platform gone, for that long.
  void pause(std::chrono::nanoseconds span) {
    crash();
    loop.run_for(span);
  }

  /// The bodies of the ticks since the last call, taken off the queue: "hh:mm:ss" for which, "+n" missed.
  Texts ticks() {
    Texts all;
    for (const auto& body : bodies()) {
      const auto scheduled = *json_text::unquoted(json_text::member(body, "scheduled_at"));
      const auto missed = std::string(json_text::member(body, "missed"));
      all.push_back(scheduled.substr(11, 8) + (missed == "0" ? "" : " +" + missed));
    }
    return all;
  }

  Texts bodies() {
    Texts all;
    while (true) {
      auto delivery = broker_->get(session_, "work", true);
      REQUIRE(delivery);
      if (!*delivery) break;
      all.emplace_back(json_text::member((*delivery)->message->body, "body"));
    }
    REQUIRE(broker_->commit(session_, {}, [](const Status& stored) { CHECK(stored); }));
    loop.run_tasks();
    return all;
  }

  scheduler::Scheduler& operator*() { return *scheduler_; }
  broker::Broker& broker() { return *broker_; }
  broker::SessionId session() const { return session_; }

  io::sim::SimLoop loop{at("2026-11-24T12:00:00Z")};

 private:
  void open() {
    auto disk = io::posix::PosixDisk::open(folder_.path());
    REQUIRE(disk);
    disk_ = std::move(*disk);
    auto broker = broker::Broker::open(loop, *disk_, offload_, {});
    REQUIRE(broker);
    broker_ = std::move(*broker);
    session_ = broker_->begin_session();
    namespace names = flow::names;
    REQUIRE(broker_->declare_exchange(session_, {.name = names::exchange("f", 1), .arguments = {}}, nullptr));
    declare(names::tick_queue("f", "t"), names::tick_key("t"));
    declare("work", polls_ ? names::input_key("t") : names::output_key("t"));
    if (polls_) declare(names::step_queue("f", 1, "t"), "of no message");
    loop.run_tasks();
  }

  void declare(std::string name, const std::string& key) {
    broker::QueueSpec spec;
    spec.name = std::move(name);
    if (spec.name.ends_with("ticks")) spec.arguments.set("x-max-length", std::int64_t{1});
    REQUIRE(broker_->declare_queue(session_, spec, nullptr));
    REQUIRE(broker_->bind_queue(session_, spec.name, flow::names::exchange("f", 1), key, {}, nullptr));
  }

  void crash() {
    if (!scheduler_) return;
    scheduler_.reset();
    broker_.reset();
    disk_.reset();
    open();
  }

  bool polls_;
  tests::TemporaryFolder folder_;
  std::unique_ptr<io::posix::PosixDisk> disk_;
  io::sim::SimOffload offload_{loop};
  std::unique_ptr<broker::Broker> broker_;
  broker::SessionId session_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
};

}  // namespace

TEST_CASE("a timer ticks at its interval, first when one has passed") {
  Clockwork clock;
  clock.start(R"({"every": 300000})");
  clock.loop.run_for(299s);
  CHECK(clock.ticks().empty());
  clock.loop.run_for(10min);
  CHECK(clock.ticks() == Texts{"12:05:00", "12:10:00"});
  CHECK((*clock).executions_total() == 2);
}

TEST_CASE("a tick says for when it was and when it was made, and is an execution of its own") {
  Clockwork clock;
  clock.start(R"({"cron": "30 13 * * *", "time_zone": "Europe/Berlin"})");
  CHECK((*clock).upcoming("f")->next == at("2026-11-24T12:30:00Z"));
  clock.loop.run_for(30min);
  const auto queued = clock.broker().peek("work", 0, 10);
  REQUIRE(queued);
  REQUIRE(queued->size() == 1);
  const auto& message = queued->front();
  const auto headers = tests::DiskBroker::headers_of(message);
  CHECK(message->exchange == "flow.f@1");
  CHECK(headers.text("taskId") == "f");
  CHECK(headers.text("stepId") == "t");
  CHECK(headers.text("threadId") == headers.text("messageId"));
  CHECK(json_text::unquoted(json_text::member(message->body, "id")) == headers.text("messageId"));
  CHECK(clock.bodies() ==
        Texts{R"({"scheduled_at":"2026-11-24T12:30:00Z","fired_at":"2026-11-24T12:30:00Z","missed":0})"});
}

TEST_CASE("a restart neither repeats a tick nor moves the beat") {
  Clockwork clock;
  clock.start(R"({"every": 60000})");
  Texts all;
  for (int i = 0; i < 10; ++i) {
    clock.loop.run_for(45s);
    clock.start(R"({"every": 60000})");
    for (auto& tick : clock.ticks()) all.push_back(std::move(tick));
  }
  CHECK(all == Texts{"12:01:00", "12:02:00", "12:03:00", "12:04:00", "12:05:00", "12:06:00", "12:07:00"});
}

TEST_CASE("missed ticks are caught up once, or skipped") {
  Clockwork once;
  once.start(R"({"every": 60000})");
  once.pause(1h + 30s);
  once.start(R"({"every": 60000})");
  once.loop.run_for(1min);
  CHECK(once.ticks() == Texts{"13:00:00 +59", "13:01:00"});

  Clockwork skip;
  skip.start(R"({"cron": "0 * * * *", "catch_up": "skip"})");
  skip.pause(3h + 31s);
  skip.start(R"({"cron": "0 * * * *", "catch_up": "skip"})");
  skip.loop.run_for(1h);
  CHECK(skip.ticks() == Texts{"16:00:00"});
  INFO("what is less than the grace past is not missed");
  skip.pause(59min + 50s);
  skip.start(R"({"cron": "0 * * * *", "catch_up": "skip"})");
  skip.loop.run_for(1s);
  CHECK(skip.ticks() == Texts{"17:00:00"});
}

TEST_CASE("a new schedule has missed nothing") {
  Clockwork clock;
  clock.start(R"({"cron": "0 18 * * *"})");
  clock.loop.run_for(5h);
  clock.start(R"({"cron": "0 13 * * *"})");
  clock.loop.run_for(1h);
  CHECK(clock.ticks().empty());
}

TEST_CASE("the clock is set") {
  Clockwork clock;
  clock.start(R"({"every": 600000})");
  clock.loop.set_wall(at("2026-11-24T15:00:05Z"));
  clock.loop.run_for(11s);
  CHECK(clock.ticks() == Texts{"15:00:00 +17"});
  clock.loop.set_wall(at("2026-11-24T09:00:00Z"));
  clock.loop.run_for(11min);
  const auto after = clock.ticks();
  REQUIRE(after.size() == 1);
  CHECK(after.front().substr(0, 5) == "09:10");
}

TEST_CASE("a polling trigger looks at once, and not again while its work is there") {
  Clockwork clock(true);
  clock.start(R"({"every": 60000})");
  clock.loop.run_for(1min);
  CHECK(clock.ticks() == Texts{"12:00:00", "12:01:00"});
  CHECK((*clock).executions_total() == 0);
  auto busy = std::make_shared<broker::Message>();
  busy->exchange = "flow.f@1";
  busy->routing_key = "of no message";
  REQUIRE(clock.broker().commit(clock.session(), {{std::move(busy)}, {}}, nullptr));
  clock.loop.run_for(5min);
  CHECK(clock.ticks().empty());
  REQUIRE(clock.broker().get(clock.session(), flow::names::step_queue("f", 1, "t"), true));
  clock.loop.run_for(2s);
  CHECK(clock.ticks() == Texts{"12:06:00 +4"});
}
