#include "orchestrator/orchestrator.hpp"

#include <fmt/format.h>

#include "core/check.hpp"
#include "core/id.hpp"
#include "core/log.hpp"

namespace millrace::orchestrator {
namespace {

std::chrono::milliseconds between(io::SteadyTime from, io::SteadyTime to) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

}  // namespace

std::string WorkerKey::name() const {
  return fmt::format("{}/{}.{}", flow, step, instance);
}

Orchestrator::Orchestrator(io::Loop& loop, Driver& driver, Access& access, Settings settings, Hooks hooks)
    : loop_(loop),
      driver_(driver),
      access_(access),
      settings_(settings),
      hooks_(std::move(hooks)),
      alive_(std::make_shared<bool>(true)) {}

Orchestrator::~Orchestrator() {
  *alive_ = false;
  loop_.cancel(timer_);
}

void Orchestrator::set_desired(const std::vector<WorkerKey>& workers) {
  desired_.clear();
  for (const auto& key : workers) desired_.emplace(key.name(), key);
  pass();
}

void Orchestrator::connected(std::string_view user) {
  for (auto& [name, worker] : workers_) {
    if (worker.user != user || worker.actual.phase != Phase::starting) continue;
    worker.connected_at = loop_.steady_now();
    enter(worker, Phase::running);
    return pass();
  }
}

void Orchestrator::stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  desired_.clear();
  pass();
}

void Orchestrator::pass() {
  pass_again_ = true;
  if (passing_) return;
  passing_ = true;
  while (std::exchange(pass_again_, false)) {
    std::set<std::string> wanted;
    for (const auto& [name, key] : desired_) wanted.insert(name);
    std::vector<Actual> actual;
    for (const auto& [name, worker] : workers_) actual.push_back(worker.actual);
    const auto result = reconcile(wanted, actual, loop_.steady_now(), settings_.limits);
    for (const auto& decision : result.decisions) apply(decision);
    if (!result.decisions.empty()) pass_again_ = true;
    loop_.cancel(std::exchange(timer_, 0));
    if (result.look_again) {
      timer_ = loop_.after(*result.look_again - loop_.steady_now(), [this] {
        timer_ = 0;
        pass();
      });
    }
  }
  passing_ = false;
  if (stopped_ && workers_.empty()) loop_.post(std::exchange(stopped_, nullptr));
}

void Orchestrator::apply(const Decision& decision) {
  if (decision.kind == Decision::Kind::start && !workers_.contains(decision.worker)) {
    Worker worker{desired_.at(decision.worker), {}, Backoff(settings_.backoff)};
    worker.actual.name = decision.worker;
    workers_.emplace(decision.worker, std::move(worker));
  }
  const auto found = workers_.find(decision.worker);
  MILLRACE_CHECK(found != workers_.end(), "a decision about a worker that does not exist");
  Worker& worker = found->second;
  switch (decision.kind) {
    case Decision::Kind::start:
      return start(worker);
    case Decision::Kind::terminate:
      enter(worker, Phase::stopping);
      return driver_.terminate(worker.handle);
    case Decision::Kind::retire:
      return retire(worker);
    case Decision::Kind::kill:
      return kill(worker);
    case Decision::Kind::forget:
      workers_.erase(found);
  }
}

void Orchestrator::start(Worker& worker) {
  MILLRACE_CHECK(!worker.actual.admitted && worker.handle == 0, "a worker started while its last life is not over");
  const Credentials credentials{
      fmt::format("{}.{}.{}.{}", worker.key.flow, worker.key.step, worker.key.instance, ++last_start_), random_token()};
  worker.user = credentials.user;
  worker.fault.clear();
  worker.connected_at.reset();
  access_.admit(worker.key, credentials);
  worker.actual.admitted = true;
  ++worker.starts;
  enter(worker, Phase::starting);
  const std::string name = worker.actual.name;
  const auto started =
      driver_.start(hooks_.launch(worker.key, credentials), [this, name, alive = alive_](const Exit& exit) {
        if (*alive) ended(name, exit);
      });
  if (!started) return ended(name, {.reason = "could not be started: " + started.error().message, .last_output = {}});
  worker.handle = *started;
  log::debug("worker started", {{"worker", name}, {"pid", std::to_string(driver_.process_id(worker.handle))}});
  if (hooks_.started) hooks_.started(status_of(worker));
}

void Orchestrator::retire(Worker& worker) {
  worker.actual.admitted = false;
  access_.retire(worker.user);
}

void Orchestrator::kill(Worker& worker) {
  worker.fault =
      worker.actual.phase == Phase::starting
          ? fmt::format("had not connected {} s after its start", settings_.limits.start_timeout.count() / 1000)
          : fmt::format("had not finished {} s after it was told to stop", settings_.limits.grace.count() / 1000);
  enter(worker, Phase::killed);
  driver_.kill(worker.handle);
}

void Orchestrator::ended(const std::string& name, Exit exit) {
  const auto found = workers_.find(name);
  MILLRACE_CHECK(found != workers_.end(), "the end of a worker that does not exist");
  Worker& worker = found->second;
  const auto now = loop_.steady_now();
  const bool asked_for = worker.actual.phase == Phase::stopping || !desired_.contains(name);
  const auto connected_for = worker.connected_at ? between(*worker.connected_at, now) : std::chrono::milliseconds(0);
  const auto wait = asked_for ? std::chrono::milliseconds(0) : worker.backoff.ended(connected_for);
  if (!worker.fault.empty()) exit.reason = worker.fault + ", so it was killed";

  if (asked_for && worker.fault.empty()) {
    log::debug("worker stopped", {{"worker", name}, {"how", exit.reason}});
  } else {
    if (!asked_for) ++worker.crashes;
    log::warning("worker ended", {{"worker", name},
                                  {"reason", exit.reason},
                                  {"connected_for_ms", std::to_string(connected_for.count())},
                                  {"restart_in_ms", std::to_string(wait.count())}});
  }
  worker.handle = 0;
  worker.last_end = LastEnd{std::move(exit.reason), std::move(exit.last_output), loop_.wall_now()};
  worker.actual.next_start = now + wait;
  enter(worker, Phase::waiting);
  pass();
}

void Orchestrator::enter(Worker& worker, Phase phase) {
  worker.actual.phase = phase;
  worker.actual.since = loop_.steady_now();
  worker.since_wall = loop_.wall_now();
}

WorkerStatus Orchestrator::status_of(const Worker& worker) const {
  WorkerStatus status;
  status.worker = worker.key;
  status.phase = worker.actual.phase;
  status.process_id = worker.handle == 0 ? 0 : driver_.process_id(worker.handle);
  status.starts = worker.starts;
  status.crashes = worker.crashes;
  status.since = worker.since_wall;
  if (worker.actual.phase == Phase::waiting) {
    status.starts_in = std::max(std::chrono::milliseconds(0), between(loop_.steady_now(), worker.actual.next_start));
  }
  status.last_end = worker.last_end;
  return status;
}

std::vector<WorkerStatus> Orchestrator::status() const {
  std::vector<WorkerStatus> result;
  for (const auto& [name, worker] : workers_) result.push_back(status_of(worker));
  return result;
}

}  // namespace millrace::orchestrator
