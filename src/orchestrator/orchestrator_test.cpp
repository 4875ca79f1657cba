#include "orchestrator/orchestrator.hpp"

#include <deque>

#include <doctest/doctest.h>

using namespace millrace;
using namespace millrace::orchestrator;
using namespace std::chrono_literals;

namespace {

/// Time that passes only when told to.
class VirtualLoop final : public io::Loop {
 public:
  io::WallTime wall_now() const override {
    return io::WallTime(std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()));
  }
  io::SteadyTime steady_now() const override { return now_; }
  void post(std::function<void()> task) override { after(0ns, std::move(task)); }
  io::TimerId after(std::chrono::nanoseconds delay, std::function<void()> task) override {
    timers_[{now_ + delay, ++last_}] = std::move(task);
    return last_;
  }
  void cancel(io::TimerId id) override {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }

  void pass(std::chrono::milliseconds time) {
    const auto until = now_ + time;
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      const auto first = timers_.begin();
      now_ = first->first.first;
      const auto task = std::move(first->second);
      timers_.erase(first);
      task();
    }
    now_ = until;
  }

 private:
  io::SteadyTime now_{};
  io::TimerId last_ = 0;
  std::map<std::pair<io::SteadyTime, io::TimerId>, std::function<void()>> timers_;
};

/// Writes down what is asked of it; processes end when the test says so.
class Stage final : public Driver, public Access {
 public:
  explicit Stage(io::Loop& loop) : loop_(loop) {}

  WorkerHandle start(const Launch& launch, WorkerEvents told) override {
    events.push_back("start " + launch.worker.name());
    tells[++last] = told;
    if (broken) loop_.post([told] { told.ended({.reason = "could not be started: no more processes"}); });
    if (!broken && !slow) loop_.post(told.started);
    return last;
  }
  void terminate(WorkerHandle worker) override { events.push_back("terminate " + std::to_string(worker)); }
  void kill(WorkerHandle worker) override { events.push_back("kill " + std::to_string(worker)); }
  Whereabouts whereabouts(WorkerHandle worker) const override { return {.process_id = 100 + static_cast<int>(worker)}; }

  void find_survivors(std::function<void(std::vector<Survivor>)> found) override {
    loop_.post([this, found = std::move(found)] { found(survivors); });
  }
  bool adopt(WorkerHandle survivor, const Launch& launch, WorkerEvents told) override {
    if (launch.worker.step != "ship") return false;
    events.push_back("adopt " + std::to_string(survivor));
    tells[survivor] = std::move(told);
    return true;
  }
  void discard(WorkerHandle survivor) override { events.push_back("discard " + std::to_string(survivor)); }

  void admit(const WorkerKey&, const Credentials& credentials) override {
    CHECK(!credentials.password.empty());
    users.push_back(credentials.user);
  }
  void retire(const std::string& user) override {
    CHECK(std::erase(users, user) == 1);
    events.push_back("retire");
  }

  void end(WorkerHandle worker, const std::string& reason) { tells.at(worker).ended({reason, false, "last words"}); }
  std::vector<std::string> take() { return std::exchange(events, {}); }

  bool broken = false;
  bool slow = false;  ///< the test says when a worker runs
  std::vector<Survivor> survivors;
  WorkerHandle last = 0;
  std::vector<std::string> users;
  std::vector<std::string> events;
  std::map<WorkerHandle, WorkerEvents> tells;

 private:
  io::Loop& loop_;
};

using Events = std::vector<std::string>;

struct Scene {
  VirtualLoop loop;
  Stage stage{loop};
  Orchestrator orchestrator{
      loop,
      stage,
      stage,
      {},
      {[](const WorkerKey& key, const Credentials&) { return Launch{.worker = key, .environment = nullptr}; },
       nullptr}};
};

}  // namespace

TEST_CASE(
    "a worker whose connection is gone may come back; if it neither does nor ends, it is retired, killed and "
    "replaced") {
  Scene scene;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  const auto user = scene.stage.users.at(0);
  scene.orchestrator.connected(user);
  scene.stage.take();
  scene.orchestrator.disconnected(user);
  CHECK(scene.orchestrator.status().at(0).phase == Phase::lost);
  scene.loop.pass(4s);
  scene.orchestrator.connected(user);
  scene.loop.pass(60s);
  CHECK(scene.orchestrator.status().at(0).phase == Phase::running);
  CHECK(scene.stage.take().empty());
  scene.orchestrator.disconnected(user);
  scene.loop.pass(5s);
  CHECK(scene.stage.take() == Events{"retire", "kill 1"});
  scene.stage.end(1, "killed by SIGKILL");
  scene.loop.pass(1s);
  CHECK(scene.stage.take() == Events{"start orders/ship.1"});
  CHECK(scene.orchestrator.status().at(0).last_end->reason ==
        "had lost its connection to the broker and did not end, so it was killed");
}

TEST_CASE("a worker that ends comes back after 100 ms, 200 ms, … 10 s, each time as a new user") {
  Scene scene;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  CHECK(scene.stage.take() == Events{"start orders/ship.1"});
  for (const auto wait : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 10000ms, 10000ms}) {
    const auto user = scene.stage.users.at(0);
    scene.stage.end(scene.stage.last, "killed by SIGSEGV");
    CHECK(scene.stage.take() == Events{"retire"});
    CHECK(scene.orchestrator.status().at(0).starts_in == wait);
    scene.loop.pass(wait - 1ms);
    CHECK(scene.stage.take().empty());
    scene.loop.pass(1ms);
    CHECK(scene.stage.take() == Events{"start orders/ship.1"});
    REQUIRE(scene.stage.users.size() == 1);
    CHECK(scene.stage.users.at(0) != user);
  }
  const auto status = scene.orchestrator.status().at(0);
  CHECK(status.crashes == 9);
  CHECK(status.starts == 10);
  CHECK(status.last_end->reason == "killed by SIGSEGV");
  CHECK(status.last_end->last_output == "last words");
}

TEST_CASE("after ten healthy seconds the wait begins at 100 ms again; time before connecting does not count") {
  Scene scene;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  scene.stage.end(1, "x");
  scene.loop.pass(100ms);
  scene.orchestrator.connected(scene.stage.users.at(0));
  CHECK(scene.orchestrator.status().at(0).phase == Phase::running);
  scene.loop.pass(9999ms);
  scene.stage.end(2, "x");
  CHECK(scene.orchestrator.status().at(0).starts_in == 200ms);
  scene.loop.pass(200ms);
  scene.loop.pass(20s);
  scene.orchestrator.connected(scene.stage.users.at(0));
  scene.loop.pass(10s);
  scene.stage.end(3, "x");
  CHECK(scene.orchestrator.status().at(0).starts_in == 100ms);
}

TEST_CASE("a worker that never connects is cut off, killed and started again, and its status says why") {
  Scene scene;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  scene.stage.take();
  scene.loop.pass(30s);
  CHECK(scene.stage.take() == Events{"retire", "kill 1"});
  scene.stage.end(1, "killed by SIGKILL");
  CHECK(scene.orchestrator.status().at(0).last_end->reason ==
        "had not connected 30 s after its start, so it was killed");
  scene.loop.pass(100ms);
  CHECK(scene.stage.take() == Events{"start orders/ship.1"});
}

TEST_CASE("a program that cannot be started is tried again with the same patience") {
  Scene scene;
  scene.stage.broken = true;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  scene.loop.pass(0ms);
  CHECK(scene.stage.users.empty());
  CHECK(scene.orchestrator.status().at(0).last_end->reason == "could not be started: no more processes");
  scene.stage.broken = false;
  scene.loop.pass(101ms);
  CHECK(scene.orchestrator.status().at(0).phase == Phase::starting);
}

TEST_CASE("stopping asks first, kills what stays after the grace, and reports when all are gone") {
  Scene scene;
  bool stopped = false;
  scene.orchestrator.set_desired({{"orders", 1, "pack", 1}, {"orders", 1, "ship", 1}});
  scene.stage.take();
  scene.orchestrator.stop([&] { stopped = true; });
  CHECK(scene.stage.take() == Events{"terminate 1", "terminate 2"});
  scene.stage.end(1, "exited with 0");
  CHECK(scene.stage.take() == Events{"retire"});
  scene.loop.pass(9999ms);
  CHECK(scene.stage.take().empty());
  scene.loop.pass(1ms);
  CHECK(scene.stage.take() == Events{"retire", "kill 2"});
  CHECK(!stopped);
  scene.stage.end(2, "killed by SIGKILL");
  scene.loop.pass(0ms);
  CHECK(stopped);
  CHECK(scene.stage.users.empty());
}

TEST_CASE("a worker waiting for its restart does not hold up the stop") {
  Scene scene;
  bool stopped = false;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  scene.stage.end(1, "x");
  scene.orchestrator.stop([&] { stopped = true; });
  scene.loop.pass(0ms);
  CHECK(stopped);
  CHECK(scene.orchestrator.status().empty());
}

TEST_CASE("a worker wanted again while it still stops is started when it has ended, without delay") {
  Scene scene;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  scene.orchestrator.set_desired({});
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  CHECK(scene.stage.take() == Events{"start orders/ship.1", "terminate 1"});
  scene.stage.end(1, "exited with 0");
  CHECK(scene.stage.take() == Events{"retire", "start orders/ship.1"});
}

TEST_CASE("while its driver prepares a worker its time to connect has not begun; once it runs, it has") {
  Scene scene;
  scene.stage.slow = true;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  scene.stage.take();
  scene.loop.pass(300s);
  CHECK(scene.orchestrator.status().at(0).phase == Phase::preparing);
  scene.stage.tells.at(1).started();
  scene.loop.pass(29s);
  CHECK(scene.orchestrator.status().at(0).phase == Phase::starting);
  CHECK(scene.stage.take().empty());
  scene.loop.pass(1s);
  CHECK(scene.stage.take() == Events{"retire", "kill 1"});
}

TEST_CASE("a worker may connect before its driver says that it runs") {
  Scene scene;
  scene.stage.slow = true;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  scene.orchestrator.connected(scene.stage.users.at(0));
  scene.stage.tells.at(1).started();
  CHECK(scene.orchestrator.status().at(0).phase == Phase::running);
}

TEST_CASE("of the survivors those that are wanted, fit and are alone are adopted with their user, the others ended") {
  Scene scene;
  scene.stage.last = 10;
  scene.stage.survivors = {{1, "orders@1/ship.1", {"old-user", "old-password"}},
                           {2, "orders@1/ship.2", {"twin", "x"}},
                           {5, "orders@1/ship.2", {"twin", "x"}},
                           {3, "orders@1/pack.1", {"does not fit", "x"}},
                           {4, "orders@1/gone.1", {"not wanted", "x"}}};
  scene.orchestrator.recover({{"orders", 1, "ship", 1}, {"orders", 1, "ship", 2}, {"orders", 1, "pack", 1}});
  scene.loop.pass(0ms);
  CHECK(scene.stage.take() == Events{"adopt 1", "discard 2", "discard 5", "discard 3", "discard 4",
                                     "start orders/pack.1", "start orders/ship.2"});
  CHECK(scene.stage.users.front() == "old-user");
  CHECK(scene.stage.users.size() == 3);
  scene.orchestrator.connected("old-user");
  CHECK(scene.orchestrator.status().at(1).phase == Phase::running);
  scene.stage.end(1, "killed by SIGKILL");
  scene.loop.pass(100ms);
  CHECK(scene.stage.take() == Events{"retire", "start orders/ship.1"});
}

TEST_CASE("an adopted worker that does not come back to its doors is replaced like one that never connected") {
  Scene scene;
  scene.stage.last = 10;
  scene.stage.survivors = {{1, "orders@1/ship.1", {"old-user", "old-password"}}};
  scene.orchestrator.recover({{"orders", 1, "ship", 1}});
  scene.loop.pass(30s);
  CHECK(scene.stage.take() == Events{"adopt 1", "retire", "kill 1"});
}

TEST_CASE("a stop does not wait for ever for an engine that does not answer") {
  Scene scene;
  bool stopped = false;
  scene.orchestrator.set_desired({{"orders", 1, "ship", 1}});
  scene.orchestrator.stop([&] { stopped = true; });
  scene.loop.pass(19999ms);
  CHECK(!stopped);
  CHECK(scene.stage.users.empty());
  scene.loop.pass(1ms);
  CHECK(stopped);
}
