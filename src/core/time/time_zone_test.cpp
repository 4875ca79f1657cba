#include "core/time/time_zone.hpp"

#include <doctest/doctest.h>

#include "core/time/timestamp.hpp"

using namespace millrace;
using namespace std::chrono;

namespace {

sys_seconds at(std::string_view text) {
  const auto time = parse_timestamp(text);
  REQUIRE(time);
  return floor<seconds>(*time);
}

TimeZone zone(std::string_view name) {
  const auto loaded = TimeZone::load(name);
  REQUIRE(loaded);
  return *loaded;
}

}  // namespace

TEST_CASE("a zone's clocks and their changes") {
  const auto berlin = zone("Europe/Berlin");
  CHECK(berlin.to_local(at("2026-07-01T12:00:00Z")).time_since_epoch() ==
        at("2026-07-01T14:00:00Z").time_since_epoch());
  CHECK(berlin.next_change(at("2026-11-24T00:00:00Z")) == at("2027-03-28T01:00:00Z"));
  CHECK(berlin.next_change(at("2027-03-28T01:00:00Z")) == at("2027-10-31T01:00:00Z"));
  CHECK(!berlin.is_second_pass(at("2027-10-31T00:59:59Z")));
  CHECK(berlin.is_second_pass(at("2027-10-31T01:00:00Z")));
  CHECK(!berlin.is_second_pass(at("2027-10-31T02:00:00Z")));
  CHECK(!TimeZone::utc().next_change(at("2026-11-24T00:00:00Z")));
}

TEST_CASE("an unknown zone is refused with the nearest one") {
  const auto wrong = TimeZone::load("Europe/Berln");
  REQUIRE(!wrong);
  CHECK(wrong.error().message == "there is no time zone \"Europe/Berln\"; did you mean \"Europe/Berlin\"?");
  for (const auto* name : {"", "/etc/passwd", "../../etc/passwd", "Nowhere"}) CHECK(!TimeZone::load(name));
}

TEST_CASE("timestamps are read as they are written") {
  for (const auto* text : {"1970-01-01T00:00:00Z", "2026-11-24T09:56:17Z", "2026-11-24T09:56:17.005Z"}) {
    const auto time = parse_timestamp(text);
    REQUIRE(time);
    CHECK(to_timestamp(*time) == text);
  }
  for (const auto* text : {"", "2026-11-24", "2026-02-30T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T09:56:17",
                           "2026-11-24T09:56:17.5Z", "2026-11-24T09:56:17Zx", "2026-11-24T09:56:17.005"}) {
    CAPTURE(text);
    CHECK(!parse_timestamp(text));
  }
}
