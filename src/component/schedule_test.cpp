#include "component/schedule.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "core/time/timestamp.hpp"

using namespace millrace;
using component::Schedule;

namespace {

Schedule schedule(std::string_view config) {
  auto read = Schedule::read(boost::json::parse({config.data(), config.size()}).as_object());
  REQUIRE(read);
  return *read;
}

io::WallTime at(std::string_view text) {
  const auto time = parse_timestamp(text);
  REQUIRE(time);
  return *time;
}

std::string latest(const Schedule& schedule, std::string_view last, std::string_view now) {
  const auto due = schedule.latest(at(last), at(now));
  return due ? to_timestamp(due->at) + " +" + std::to_string(due->missed) : "none";
}

}  // namespace

TEST_CASE("an interval counts from the last tick") {
  const auto every = schedule(R"({"every": 1500})");
  CHECK(every.text() == "every 1.5s");
  CHECK(latest(every, "2026-01-01T00:00:00Z", "2026-01-01T00:00:01.499Z") == "none");
  CHECK(latest(every, "2026-01-01T00:00:00Z", "2026-01-01T00:00:01.500Z") == "2026-01-01T00:00:01.500Z +0");
  CHECK(latest(every, "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z") == "2026-01-01T00:00:09Z +5");
  CHECK(latest(every, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z") == "2027-01-01T00:00:00Z +1000");
}

TEST_CASE("the last of the missed times of a cron expression") {
  const auto nightly = schedule(R"({"cron": "30 2 * * *", "time_zone": "Europe/Berlin", "catch_up": "skip"})");
  CHECK(nightly.text() == "cron 30 2 * * * in Europe/Berlin");
  CHECK(nightly.catch_up() == Schedule::CatchUp::skip);
  CHECK(latest(nightly, "2026-10-24T00:30:00Z", "2026-10-24T23:59:59Z") == "none");
  CHECK(latest(nightly, "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z") == "2026-10-25T00:30:00Z +0");
  CHECK(latest(nightly, "2026-10-20T00:30:00Z", "2026-10-25T10:00:00Z") == "2026-10-25T00:30:00Z +4");
  const auto seconds = schedule(R"({"cron": "* * * * * *"})");
  CHECK(latest(seconds, "2020-01-01T00:00:00Z", "2026-01-01T00:00:07.900Z") == "2026-01-01T00:00:07Z +1000");
  const auto january = schedule(R"({"cron": "* * * * 1 *"})");
  CHECK(latest(january, "2020-06-01T00:00:00Z", "2026-05-01T00:00:00Z") == "2026-01-31T23:59:59Z +1000");
}

TEST_CASE("what makes no schedule is refused by field") {
  const auto refusal = [](std::string_view config) {
    const auto read = Schedule::read(boost::json::parse({config.data(), config.size()}).as_object());
    return read ? "accepted" : read.error().message;
  };
  CHECK(refusal("{}") == "exactly one of every and cron must be given");
  CHECK(refusal(R"({"every": 1000, "cron": "* * * * *"})") == "exactly one of every and cron must be given");
  CHECK(refusal(R"({"cron": "61 * * * *"})") == "cron: minute: \"61\" is not one of 0 to 59");
  CHECK(refusal(R"({"cron": "1 * * * *", "time_zone": "Europe/Berln"})") ==
        "time_zone: there is no time zone \"Europe/Berln\"; did you mean \"Europe/Berlin\"?");
}
