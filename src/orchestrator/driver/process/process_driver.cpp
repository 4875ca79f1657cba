#include "orchestrator/driver/process/process_driver.hpp"

#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "io/posix/process.hpp"
#include "orchestrator/driver/output_lines.hpp"

namespace millrace::orchestrator {
namespace {

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? fmt::format("signal {}", number) : fmt::format("SIG{}", name);
}

std::string describe(const io::posix::ProcessEnd& end, std::uint64_t memory_max, std::string_view last_output) {
  const bool allocation_failed = end.exit_code == exit_out_of_memory ||
                                 (end.signal == SIGABRT && last_output.find("bad_alloc") != std::string_view::npos);
  if (memory_max > 0 && allocation_failed) {
    return fmt::format("over its memory limit of {} MB", memory_max / 1'000'000);
  }
  if (end.signal == 0) return fmt::format("exited with {}", end.exit_code);
  if (end.signal == SIGKILL) return "killed by SIGKILL, from outside or because the machine was out of memory";
  return "killed by " + signal_name(end.signal);
}

}  // namespace

struct ProcessDriver::Child {
  std::unique_ptr<io::posix::Process> process;
  OutputLines lines;
};

ProcessDriver::ProcessDriver(io::posix::AsioLoop& loop, Settings settings)
    : loop_(loop), settings_(std::move(settings)) {}

ProcessDriver::~ProcessDriver() {
  *alive_ = false;
}

WorkerHandle ProcessDriver::start(const Launch& launch, WorkerEvents events) {
  const auto name = launch.worker.name();
  const auto memory_max = launch.limits.memory_max;
  io::posix::ProcessSpec spec{settings_.program, settings_.arguments, launch.environment(settings_.doors), memory_max,
                              "millrace"};
  spec.arguments.push_back(name);
  const auto handle = ++last_handle_;
  const auto child = std::make_shared<Child>(
      Child{nullptr, OutputLines([this, name](std::string_view line) { settings_.output(name, line); })});

  io::posix::ProcessHandlers handlers;
  handlers.output = [this, child = child.get()](std::string_view piece) {
    child->lines.take(piece, loop_.steady_now());
  };
  handlers.ended = [this, handle, memory_max, ended = events.ended](const io::posix::ProcessEnd& end) {
    const auto found = children_.find(handle);
    const auto gone = found->second;
    children_.erase(found);
    gone->lines.finish(loop_.steady_now());
    Exit exit;
    exit.last_output = gone->lines.last_output();
    exit.reason = describe(end, memory_max, exit.last_output);
    exit.clean = end.signal == 0 && end.exit_code == 0;
    ended(std::move(exit));
  };
  auto process = io::posix::Process::start(loop_, spec, std::move(handlers));
  if (!process) {
    loop_.post([alive = alive_, ended = std::move(events.ended), why = process.error().message] {
      if (*alive) ended({.reason = "could not be started: " + why});
    });
    return handle;
  }
  child->process = std::move(*process);
  children_.emplace(handle, child);
  loop_.post([this, alive = alive_, handle, started = std::move(events.started)] {
    if (*alive && children_.contains(handle)) started();
  });
  return handle;
}

void ProcessDriver::terminate(WorkerHandle worker) {
  const auto found = children_.find(worker);
  if (found != children_.end()) found->second->process->signal(SIGTERM);
}

void ProcessDriver::kill(WorkerHandle worker) {
  const auto found = children_.find(worker);
  if (found != children_.end()) found->second->process->signal(SIGKILL);
}

Whereabouts ProcessDriver::whereabouts(WorkerHandle worker) const {
  const auto found = children_.find(worker);
  return {.process_id = found == children_.end() ? 0 : found->second->process->id()};
}

void ProcessDriver::find_survivors(std::function<void(std::vector<Survivor>)> found) {
  loop_.post([alive = alive_, found = std::move(found)] {
    if (*alive) found({});
  });
}

}  // namespace millrace::orchestrator
