#include "io/posix/loop.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace millrace::io;

TEST_CASE("a cancelled timer is not called, an earlier one is called before a later one") {
  posix::AsioLoop loop;
  std::string order;
  const auto cancelled = loop.after(std::chrono::milliseconds(1), [&] { order += 'x'; });
  loop.after(std::chrono::milliseconds(5), [&] {
    order += 'b';
    loop.stop();
  });
  loop.after(std::chrono::milliseconds(1), [&] { order += 'a'; });
  loop.cancel(cancelled);
  loop.run();
  CHECK(order == "ab");
}

TEST_CASE("offloaded work is done in order and reported on the loop") {
  posix::AsioLoop loop;
  std::string order;
  {
    posix::ThreadOffload offload(loop);
    offload.run([&] { order += '1'; }, [] {});
    offload.run([&] { order += '2'; }, [&] { loop.stop(); });
    loop.run();
  }
  CHECK(order == "12");
}
