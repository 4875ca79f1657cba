#include "app/worker_output.hpp"

#include <doctest/doctest.h>

using namespace millrace;
using app::read_worker_output;

namespace {

constexpr std::chrono::sys_time<std::chrono::milliseconds> now{std::chrono::milliseconds(1'769'860'800'007)};

}  // namespace

TEST_CASE("a line of a worker's own log is taken apart, and says whose it is") {
  const auto line = read_worker_output(
      "orders/ship.2", "2026-01-31T12:00:00.000Z warning [worker orders/ship] message failed execution=e1", now);
  CHECK(line.level == log::Level::warning);
  CHECK(line.event == "message failed");
  CHECK(line.time < now);
  CHECK(line.who == "worker orders/ship.2");
  CHECK(line.fact("execution") == "e1");
  CHECK(line.fact("flow") == "orders");
  CHECK(line.fact("step") == "ship");
  CHECK(line.fact("instance") == "2");
}

TEST_CASE("a line of an elastic.io component is taken apart") {
  const auto line = read_worker_output(
      "orders/ship.1", R"({"name":"sailor","level":50,"msg":"no route","threadId":"e2","messageId":"m2"})", now);
  CHECK(line.level == log::Level::error);
  CHECK(line.fact("text") == "no route");
  CHECK(line.fact("execution") == "e2");
  CHECK(line.fact("message") == "m2");
  CHECK(line.time == now);
}

TEST_CASE("any other line is text, without what could play tricks on a terminal") {
  const auto line = read_worker_output("orders/ship.1", "\x1b[2Jhello\tyou", now);
  CHECK(line.level == log::Level::info);
  CHECK(line.event == "worker wrote");
  CHECK(line.fact("text") == " [2Jhello\tyou");
}
