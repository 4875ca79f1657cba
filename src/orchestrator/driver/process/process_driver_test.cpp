#include "orchestrator/driver/process/process_driver.hpp"

#include <doctest/doctest.h>

#include "orchestrator/driver/output_lines.hpp"

using namespace millrace;
using namespace millrace::orchestrator;

namespace {

struct Ran {
  bool started = false;
  Exit exit;
  std::vector<std::string> lines;
};

Ran run(const std::string& script, std::uint64_t memory_max = 0) {
  io::posix::AsioLoop loop;
  Ran ran;
  ProcessDriver driver(loop, {"/bin/sh", {"-c", script}, {}, [&](const std::string& worker, std::string_view line) {
                                ran.lines.push_back(worker + ": " + std::string(line));
                              }});
  Launch launch{.worker = {"f", 1, "s", 1}, .limits = {.memory_max = memory_max}, .environment = nullptr};
  launch.environment = [](const Doors&) { return Environment{{"A", "b"}}; };
  WorkerEvents events;
  events.started = [&] { ran.started = true; };
  events.ended = [&](Exit exit) {
    ran.exit = std::move(exit);
    loop.stop();
  };
  const auto worker = driver.start(launch, std::move(events));
  CHECK(driver.whereabouts(worker).process_id > 0);
  loop.run();
  CHECK(driver.whereabouts(worker).process_id == 0);
  return ran;
}

}  // namespace

TEST_CASE("a worker's end is told in words, with its last output") {
  const auto clean = run("echo $A; printf unfinished");
  CHECK(clean.started);
  CHECK(clean.exit.clean);
  CHECK(clean.exit.reason == "exited with 0");
  CHECK(clean.lines == std::vector<std::string>{"f/s.1: b", "f/s.1: unfinished"});

  const auto failed = run("echo 'cannot go on' >&2; exit 3");
  CHECK(!failed.exit.clean);
  CHECK(failed.exit.reason == "exited with 3");
  CHECK(failed.exit.last_output == "cannot go on\n");

  CHECK(run("kill -SEGV $$").exit.reason == "killed by SIGSEGV");
  CHECK(run("kill -KILL $$").exit.reason.starts_with("killed by SIGKILL"));
}

TEST_CASE("a worker that says it is out of memory is over its limit") {
  CHECK(run("exit 12", 512'000'000).exit.reason == "over its memory limit of 512 MB");
  CHECK(run("echo \"what():  std::bad_alloc\"; kill -ABRT $$", 64'000'000).exit.reason ==
        "over its memory limit of 64 MB");
  CHECK(run("kill -ABRT $$", 64'000'000).exit.reason == "killed by SIGABRT");
  CHECK(run("exit 12").exit.reason == "exited with 12");
}

TEST_CASE("a worker that floods has its lines counted, not kept") {
  const auto ran = run("i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done");
  CHECK(ran.lines.size() >= 101);
  CHECK(ran.lines.size() < 300);
  CHECK(ran.lines.at(0) == "f/s.1: line 0");
  CHECK(ran.lines.back().find("lines left out") != std::string::npos);
  CHECK(ran.exit.last_output.ends_with("line 299\n"));
}

TEST_CASE("a long line is cut and only the end of the output is kept") {
  std::vector<std::string> lines;
  OutputLines output([&](std::string_view line) { lines.emplace_back(line); });
  const std::string piece(3000, 'x');
  output.take("first\r\n", {});
  for (int i = 0; i < 5; ++i) output.take(piece, {});
  output.take("\nlast\n", {});
  output.finish({});
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "first");
  CHECK(lines[1].size() < 4200);
  CHECK(lines[1].ends_with("(cut)"));
  CHECK(lines[2] == "last");
  CHECK(output.last_output().size() <= 4096);
  CHECK(output.last_output().ends_with("last\n"));
}

TEST_CASE("a program that does not exist is told as an end, after start has returned") {
  io::posix::AsioLoop loop;
  ProcessDriver driver(loop, {"/there/is/no/such", {}, {}, nullptr});
  std::string reason;
  WorkerEvents events;
  events.ended = [&](const Exit& exit) {
    reason = exit.reason;
    loop.stop();
  };
  driver.start({.worker = {"f", 1, "s", 1}, .environment = [](const Doors&) { return Environment{}; }},
               std::move(events));
  CHECK(reason.empty());
  loop.run();
  CHECK(reason.starts_with("could not be started: cannot run /there/is/no/such"));
}
