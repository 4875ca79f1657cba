#include "app/worker_output.hpp"

#include <doctest/doctest.h>

using millrace::app::is_log_line;

TEST_CASE("a line of our own log is told from any other") {
  CHECK(is_log_line("2026-01-31T12:00:00.000Z info [worker orders/ship] message text=x"));
  CHECK(!is_log_line("2026-01-31T12:00:00.000Z something else"));
  CHECK(!is_log_line("{\"time\":\"2026-01-31T12:00:00.000Z\"}"));
  CHECK(!is_log_line(""));
}
