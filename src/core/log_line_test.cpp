#include "core/log_line.hpp"

#include <doctest/doctest.h>

using namespace millrace;

namespace {

log::Line line() {
  log::Line made;
  made.time = std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(1'769'860'800'007));
  made.level = log::Level::warning;
  made.who = "worker orders/ship";
  made.event = "message put back";
  made.facts = {{"attempt", "2"}, {"reason", "says \"no\"\nand a\\b = c"}, {"empty", ""}};
  return made;
}

}  // namespace

TEST_CASE("a line of the log as text is read back as it was") {
  const auto text = log::to_text(line());
  CHECK(text ==
        "2026-01-31T12:00:00.007Z warning [worker orders/ship] message put back attempt=2 "
        "reason=\"says \\\"no\\\"\\nand a\\\\b = c\" empty=\"\"");
  const auto read = log::parse_text(text);
  REQUIRE(read);
  CHECK(log::to_text(*read) == text);
  CHECK(read->event == "message put back");
  CHECK(read->fact("reason") == "says \"no\"\nand a\\b = c");
  CHECK(read->time == line().time);

  auto whole = line();
  whole.time = std::chrono::floor<std::chrono::seconds>(whole.time);
  whole.facts.clear();
  REQUIRE(log::parse_text(log::to_text(whole)));
  CHECK(log::parse_text(log::to_text(whole))->event == "message put back");
}

TEST_CASE("a line of the log as JSON has its facts by their names") {
  auto made = line();
  made.facts = {{"flow", "orders"}, {"level", "a fact does not hide the line's own"}};
  CHECK(log::to_json(made) == R"({"time":"2026-01-31T12:00:00.007Z","level":"warning","who":"worker orders/ship",)"
                              R"("event":"message put back","flow":"orders"})");
}

TEST_CASE("what is no line of the log is not taken for one") {
  for (const auto* text : {"", "hello", "2026-01-31T12:00:00.000Z something else",
                           R"({"time":"2026-01-31T12:00:00.000Z"})", "2026-01-31T12:00:00.000Z info [a] b c=\"d",
                           "2026-01-31T12:00:00.000Z loud [a] b", "2026-13-31T12:00:00.000Z info [a] b"}) {
    CAPTURE(text);
    CHECK_FALSE(log::parse_text(text));
  }
}
