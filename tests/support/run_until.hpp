#pragma once

#include <functional>

#include <doctest/doctest.h>

#include "io/posix/loop.hpp"

namespace millrace {

/// Runs a real loop until the condition holds; the test fails when it does not within twenty seconds.
inline void run_until(io::posix::AsioLoop& loop, const std::function<bool()>& condition) {
  bool late = false;
  const auto limit = loop.after(std::chrono::seconds(20), [&] { late = true; });
  std::function<void()> look = [&] {
    if (condition() || late) return loop.stop();
    loop.after(std::chrono::milliseconds(1), look);
  };
  loop.post(look);
  loop.run();
  loop.cancel(limit);
  REQUIRE(!late);
}

}  // namespace millrace
