#include "io/posix/loop.hpp"

#include <future>
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

TEST_CASE("work for which the loop may wait is done at once, unless other work is under way") {
  posix::AsioLoop loop;
  posix::ThreadOffload offload(loop);
  std::string order;
  offload.run_here([&] { order += '1'; }, [&] { order += '3'; });
  order += '2';
  loop.post([&] { loop.stop(); });
  loop.run();
  CHECK(order == "123");

  std::promise<void> may_end;
  offload.run(
      [&] {
        may_end.get_future().wait();
        order += '4';
      },
      [] {});
  offload.run_here([&] { order += '5'; }, [&] { loop.stop(); });
  CHECK(order == "123");
  may_end.set_value();
  loop.run();
  CHECK(order == "12345");
}
