#include "io/posix/process.hpp"

#include <csignal>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace millrace;
using namespace millrace::io::posix;

namespace {

struct Run {
  std::string output;
  ProcessEnd end;
};

/// Runs `script` with sh until it has ended; `act` sees each piece of output.
Run run(const std::string& script, std::uint64_t memory_max = 0,
        const std::function<void(Process&, const std::string&)>& act = {}) {
  AsioLoop loop;
  Run result;
  std::unique_ptr<Process> process;
  ProcessHandlers handlers;
  handlers.output = [&](std::string_view piece) {
    result.output += piece;
    if (act) act(*process, result.output);
  };
  handlers.ended = [&](ProcessEnd end) {
    result.end = end;
    loop.stop();
  };
  auto started = Process::start(loop, {"/bin/sh", {"-c", script}, {{"GREETING", "hello"}}, memory_max}, handlers);
  REQUIRE(started);
  process = std::move(*started);
  loop.run();
  return result;
}

}  // namespace

TEST_CASE("a process has exactly the environment given, and both its outputs come in order") {
  const auto result = run("echo $GREETING; echo problem >&2; /usr/bin/env | grep -c HOME; exit 3");
  CHECK(result.output == "hello\nproblem\n0\n");
  CHECK(result.end.signal == 0);
  CHECK(result.end.exit_code == 3);
}

TEST_CASE("a signal's number is reported, and a terminated process may finish first") {
  CHECK(run("kill -SEGV $$").end.signal == SIGSEGV);
  const auto result = run("trap 'echo bye; exit 0' TERM; echo up; while :; do :; done", 0,
                          [](Process& process, const std::string& output) {
                            if (output == "up\n") process.signal(SIGTERM);
                          });
  CHECK(result.output == "up\nbye\n");
  CHECK(result.end.exit_code == 0);
}

TEST_CASE("killing a process kills what it has started") {
  // The grandchild holds the pipe's write end; that the test ends shows that nobody waits for it.
  const auto result =
      run("/bin/sleep 1000 & echo $!; wait", 0, [](Process& process, const std::string&) { process.signal(SIGKILL); });
  CHECK(result.end.signal == SIGKILL);
  const int grandchild = std::stoi(result.output);
  while (::kill(grandchild, 0) == 0 && [&] {
    // A zombie of pid 1 that nobody reaps still answers signal 0; look at its state instead.
    std::string path = "/proc/" + std::to_string(grandchild) + "/stat";
    FILE* file = std::fopen(path.c_str(), "r");
    if (file == nullptr) return false;
    char state = 'Z';
    const int fields = std::fscanf(file, "%*d %*s %c", &state);
    std::fclose(file);
    return fields == 1 && state != 'Z' && state != 'X';
  }()) {
  }
}

TEST_CASE("a program that does not exist is an error that names it") {
  AsioLoop loop;
  const auto started = Process::start(loop, {"/nonexistent/program", {}, {}, 0}, {});
  REQUIRE(!started);
  CHECK(started.error().kind == Error::Kind::not_found);
  CHECK(started.error().message == "cannot run /nonexistent/program: No such file or directory");
}

TEST_CASE("no file of ours is open in the child") {
  const int leaked = ::dup(0);  // without close-on-exec, as Asio opens its sockets
  const auto result = run("/bin/ls /proc/self/fd | /usr/bin/tr '\\n' ' '");
  ::close(leaked);
  CHECK(result.output.starts_with("0 1 2 3"));
  CHECK(result.output.find('5') == std::string::npos);
}

TEST_CASE("a flood is read with breaks and does not keep the loop from its work") {
  AsioLoop loop;
  std::size_t bytes = 0;
  int ticks = 0;
  std::unique_ptr<Process> process;
  ProcessHandlers handlers;
  handlers.output = [&](std::string_view piece) { bytes += piece.size(); };
  handlers.ended = [&](ProcessEnd) { loop.stop(); };
  auto started = Process::start(loop, {"/bin/cat", {"/dev/zero"}, {}, 0}, handlers);
  REQUIRE(started);
  process = std::move(*started);
  std::function<void()> tick = [&] {
    if (++ticks == 30) return process->signal(SIGKILL);
    loop.after(std::chrono::milliseconds(10), tick);
  };
  loop.after(std::chrono::milliseconds(10), tick);
  loop.run();
  CHECK(ticks == 30);
  CHECK(bytes > 0);
  CHECK(bytes <= 4'000'000);  // 1 MB a second; generous for a machine that is busy
}

TEST_CASE("memory beyond the limit is refused by the kernel") {
  const auto result = run("/usr/bin/head -c 100000000 /dev/zero | /usr/bin/sort | /usr/bin/wc -c", 20'000'000);
  CHECK(result.output.find("memory exhausted") != std::string::npos);
}

TEST_CASE("a process that is talked with reads what is written, and answers apart from what it says to people") {
  AsioLoop loop;
  std::string answers;
  std::string output;
  ProcessEnd end;
  ProcessHandlers handlers;
  std::unique_ptr<Process> process;
  handlers.output = [&](std::string_view piece) { output += piece; };
  handlers.answer = [&](std::string_view piece) { answers += piece; };
  handlers.ended = [&](ProcessEnd how) {
    end = how;
    loop.stop();
  };
  ProcessSpec spec;
  spec.program = "/bin/sh";
  spec.arguments = {"-c", "pwd >&2; while read -r line; do [ \"$line\" = stop ] && exit 3; echo \"heard $line\"; done"};
  spec.folder = "/usr";
  spec.talks = true;
  auto started = Process::start(loop, spec, handlers);
  REQUIRE(started);
  process = std::move(*started);
  const std::string long_line(300'000, 'x');  // more than a pipe holds
  process->write("one\n" + long_line + "\n");
  process->write("stop\n");
  CHECK(process->unwritten() > 0);
  loop.run();
  CHECK(end.exit_code == 3);
  CHECK(output == "/usr\n");
  CHECK(answers == "heard one\nheard " + long_line + "\n");

  spec.folder = "/no/such/folder";
  const auto nowhere = Process::start(loop, spec, handlers);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message.find("/no/such/folder") != std::string::npos);
}
