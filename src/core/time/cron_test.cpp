#include "core/time/cron.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/time/timestamp.hpp"

using namespace millrace;

namespace {

std::chrono::sys_seconds at(std::string_view text) {
  const auto time = parse_timestamp(text);
  REQUIRE(time);
  return std::chrono::floor<std::chrono::seconds>(*time);
}

/// The `count` firings after `from`.
std::vector<std::string> firings(std::string_view expression, std::string_view from, int count,
                                 const char* zone = "UTC") {
  const auto cron = Cron::parse(expression);
  const auto where = TimeZone::load(zone);
  REQUIRE(cron);
  REQUIRE(where);
  std::vector<std::string> times;
  auto time = at(from);
  for (int i = 0; i < count; ++i) {
    time = cron->next(time, *where);
    times.push_back(to_timestamp(time));
  }
  return times;
}

using Times = std::vector<std::string>;

std::string refusal(std::string_view expression) {
  const auto cron = Cron::parse(expression);
  return cron ? "accepted" : cron.error().message;
}

}  // namespace

TEST_CASE("cron fires at the fields' times") {
  CHECK(firings("*/20 9-10 * * *", "2026-03-01T10:30:00Z", 3) ==
        Times{"2026-03-01T10:40:00Z", "2026-03-02T09:00:00Z", "2026-03-02T09:20:00Z"});
  CHECK(firings("30 7 * * 1-5", "2026-11-20T07:30:00Z", 2) == Times{"2026-11-23T07:30:00Z", "2026-11-24T07:30:00Z"});
  CHECK(firings("15,45 * * * * *", "2026-11-24T09:59:20Z", 3) ==
        Times{"2026-11-24T09:59:45Z", "2026-11-24T10:00:15Z", "2026-11-24T10:00:45Z"});
  CHECK(firings("0 0 29 2 *", "2096-03-01T00:00:00Z", 1) == Times{"2104-02-29T00:00:00Z"});
  CHECK(firings("0 12 * JAN,jul sun", "2026-01-05T00:00:00Z", 1) == Times{"2026-01-11T12:00:00Z"});
  CHECK(firings("0 12 * * 7", "2026-01-05T00:00:00Z", 1) == Times{"2026-01-11T12:00:00Z"});
  CHECK(firings("5/20 0 * * *", "2026-01-05T00:00:00Z", 3) ==
        Times{"2026-01-05T00:05:00Z", "2026-01-05T00:25:00Z", "2026-01-05T00:45:00Z"});
  CHECK(firings("@weekly", "2026-11-24T00:00:00Z", 1) == Times{"2026-11-29T00:00:00Z"});
}

TEST_CASE("either a day of the month or a weekday will do where both are given") {
  CHECK(firings("0 0 13 * 5", "2026-11-01T00:00:00Z", 3) ==
        Times{"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"});
  CHECK(firings("0 0 */2 * 5", "2026-11-01T00:00:00Z", 2) == Times{"2026-11-13T00:00:00Z", "2026-11-27T00:00:00Z"});
}

TEST_CASE("cron in a time zone, across its changes of clocks") {
  CHECK(firings("30 7 * * *", "2026-03-28T00:00:00Z", 2, "Europe/Berlin") ==
        Times{"2026-03-28T06:30:00Z", "2026-03-29T05:30:00Z"});
  INFO("02:00 to 03:00 is skipped on 2026-03-29");
  CHECK(firings("30 2 * * *", "2026-03-28T12:00:00Z", 2, "Europe/Berlin") ==
        Times{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"});
  CHECK(firings("0,30 2,3 * * *", "2026-03-29T00:30:00Z", 2, "Europe/Berlin") ==
        Times{"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"});
  CHECK(firings("*/30 * * * *", "2026-03-29T00:00:00Z", 3, "Europe/Berlin") ==
        Times{"2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"});
  INFO("02:00 to 03:00 comes twice on 2026-10-25");
  CHECK(firings("30 2 * * *", "2026-10-24T12:00:00Z", 2, "Europe/Berlin") ==
        Times{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"});
  CHECK(firings("*/30 * * * *", "2026-10-24T23:45:00Z", 5, "Europe/Berlin") ==
        Times{"2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
              "2026-10-25T02:00:00Z"});
  INFO("half an hour, in the southern summer");
  CHECK(firings("45 1 * * *", "2026-10-03T00:00:00Z", 2, "Australia/Lord_Howe") ==
        Times{"2026-10-03T15:15:00Z", "2026-10-04T14:45:00Z"});
}

TEST_CASE("what is no cron expression is refused by field") {
  CHECK(refusal("60 * * * *") == "cron: minute: \"60\" is not one of 0 to 59");
  CHECK(refusal("* * 0 * *") == "cron: day of month: \"0\" is not one of 1 to 31");
  CHECK(refusal("* * * foo *") == "cron: month: \"foo\" is not one of 1 to 12 or jan to dec");
  CHECK(refusal("5-3 * * * *") == "cron: minute: the range \"5-3\" ends before it begins");
  CHECK(refusal("*/0 * * * *") == "cron: minute: the step of \"*/0\" must be 1 to 59");
  CHECK(refusal("0 0 30 2 *") == "cron: the date of \"0 0 30 2 *\" never comes");
  for (const auto* text : {"", "* * * *", "* * * * * * *", "1,,2 * * * *", "- * * * *", "*/ * * * *", "@reboot",
                           "1- * * * *", "99999999999999999999 * * * *", "* * * * *x"}) {
    CAPTURE(text);
    CHECK(refusal(text) != "accepted");
  }
}

TEST_CASE("a cron field means what a plain reading of it says, minute by minute") {
  const auto cron = Cron::parse("7-59/13 */5 1,15-20/2 */3 1-5");
  REQUIRE(cron);
  const auto zone = TimeZone::utc();
  using namespace std::chrono;
  auto time = at("2026-09-28T00:00:00Z");
  auto next = cron->next(time - seconds(1), zone);
  int fired = 0;
  for (const auto end = time + days(20); time < end; time += minutes(1)) {
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    const auto minute = clock.minutes().count();
    const auto d = static_cast<unsigned>(date.day());
    const auto w = weekday(day).c_encoding();
    const bool fits = minute >= 7 && (minute - 7) % 13 == 0 && clock.hours().count() % 5 == 0 &&
                      (static_cast<unsigned>(date.month()) - 1) % 3 == 0 &&
                      (d == 1 || d == 15 || d == 17 || d == 19 || (w >= 1 && w <= 5));
    REQUIRE(fits == (next == time));
    if (!fits) continue;
    ++fired;
    next = cron->next(time, zone);
  }
  CHECK(fired > 200);
}
