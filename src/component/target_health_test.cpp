#include "component/target_health.hpp"

#include <doctest/doctest.h>

#include "component/utf8.hpp"

namespace millrace::component {
namespace {

using namespace std::chrono_literals;

const io::SteadyTime start{1h};
const Outcome refused = Outcome::later({"http.status", "503"});
const Outcome later = Outcome::later({"http.status", "429"}, 2s);

TEST_CASE("a target seems down when five messages that are to be tried again have failed in a row") {
  TargetHealth health;
  for (const auto* id : {"a", "b", "c", "d", "d"}) health.failed(id, refused);
  CHECK_FALSE(health.seems_down());
  CHECK(health.counts(refused, false, start));
  health.gave_up("d");
  health.failed("e", refused);
  CHECK_FALSE(health.seems_down());
  health.failed("f", refused);
  CHECK(health.seems_down());
  CHECK_FALSE(health.counts(refused, false, start));
  health.passed(start);
  CHECK_FALSE(health.seems_down());
  CHECK(health.counts(refused, false, start));
}

TEST_CASE("a probe that fails is no attempt, nor is one that the target puts off while it takes others") {
  TargetHealth health;
  CHECK_FALSE(health.counts(refused, true, start));
  CHECK(health.counts(later, false, start));
  health.passed(start);
  CHECK_FALSE(health.counts(later, false, start + 1s));
  CHECK(health.counts(later, false, start + 61s));
}

TEST_CASE("a reason is not cut inside a character") {
  for (std::size_t before = 0; before < 2; ++before) {
    TargetHealth health;
    std::string words(before, 'x');
    for (int i = 0; i < 2'000; ++i) words += "ü";
    health.failed("a", Outcome::later({"http.status", words}));
    const auto report = health.take_report(start, false);
    REQUIRE(report);
    CHECK(utf8::is_valid(*report));
    CHECK(report->size() < 1'000);
  }
}

TEST_CASE("failures are told at once, success seldom, and at once where it is news") {
  TargetHealth health;
  CHECK_FALSE(health.take_report(start, false));
  health.passed(start);
  CHECK(health.take_report(start, false) == R"({"ok":1,"failed":[]})");
  health.passed(start);
  CHECK_FALSE(health.take_report(start + 500ms, false));
  health.failed("a", later);
  CHECK(health.take_report(start + 501ms, false) ==
        R"({"ok":1,"failed":[{"id":"a","reason":"http.status: 429","retry_after_ms":2000}]})");
  health.passed(start);
  CHECK(health.take_report(start + 502ms, false) == R"({"ok":1,"failed":[]})");
  health.passed(start);
  CHECK_FALSE(health.take_report(start + 503ms, false));
  CHECK(health.take_report(start + 504ms, true) == R"({"ok":1,"failed":[]})");
}

}  // namespace
}  // namespace millrace::component
