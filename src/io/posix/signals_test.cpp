#include "io/posix/signals.hpp"

#include <csignal>
#include <vector>

#include <doctest/doctest.h>

using namespace millrace::io::posix;

TEST_CASE("each signal arrives on the loop, one after another") {
  AsioLoop loop;
  std::vector<int> arrived;
  const Signals signals(loop, {SIGUSR1, SIGUSR2}, [&](int number) {
    arrived.push_back(number);
    if (arrived.size() == 1) ::raise(SIGUSR2);
    if (arrived.size() == 2) loop.stop();
  });
  loop.post([] { ::raise(SIGUSR1); });
  loop.run();
  CHECK(arrived == std::vector<int>{SIGUSR1, SIGUSR2});
}
