#include "app/worker_presences.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "io/sim/loop.hpp"

namespace {

using namespace millrace;
using app::WorkerPresences;
using component::Presence;

struct Platform {
  io::sim::SimLoop loop;
  std::vector<std::string> here;
  std::vector<std::string> silent;
  WorkerPresences presences{loop,
                            std::chrono::seconds(3),
                            {[this](const std::string& user) { here.push_back(user); },
                             [this](const std::string& user) { silent.push_back(user); }}};
  flow::WorkerPlan worker = [] {
    flow::WorkerPlan plan;
    plan.flow = "orders";
    plan.step = "send";
    return plan;
  }();
};

TEST_CASE("the workers of a queue are counted together, and what one has ended stays counted when it is gone") {
  Platform platform;
  platform.presences.take("a", platform.worker, {true, 3, {10, 1, 1, 2}});
  platform.presences.take("b", platform.worker, {true, 1, {5, 0, 0, 0}});
  platform.presences.take("a", platform.worker, {true, 2, {11, 1, 1, 3}});
  auto work = platform.presences.work(platform.worker.queue());
  CHECK(work.in_work == 3);
  CHECK(work.settled_total == 21);
  CHECK(!work.published_total);
  CHECK(platform.presences.work(platform.worker.rebounds()).published_total == 3);

  platform.presences.forget("a");
  work = platform.presences.work(platform.worker.queue());
  CHECK(work.in_work == 1);
  CHECK(work.settled_total == 21);
  CHECK(platform.presences.work("another@1.queue").settled_total == 0);
}

TEST_CASE("a worker is here with its first word, and silent when it has said nothing for too long") {
  Platform platform;
  platform.presences.take("a", platform.worker, {});
  platform.presences.asked("foreign", platform.worker);
  CHECK(platform.here == std::vector<std::string>{"a"});
  platform.loop.run_for(std::chrono::seconds(8));
  CHECK(platform.silent == std::vector<std::string>{"a"});
  CHECK(platform.here == std::vector<std::string>{"a", "foreign"});
  platform.presences.take("a", platform.worker, {});
  CHECK(platform.here.back() == "a");
}

}  // namespace
