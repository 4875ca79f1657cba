#include "orchestrator/orchestrator.hpp"

#include <algorithm>

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

std::string WorkerKey::id() const {
  return fmt::format("{}@{}/{}.{}", flow, version, step, instance);
}

Orchestrator::Orchestrator(io::Loop& loop, Driver& driver, Access& access, Settings settings, Hooks hooks)
    : loop_(loop),
      driver_(driver),
      access_(access),
      settings_(settings),
      hooks_(std::move(hooks)),
      life_(random_token(3)),
      alive_(std::make_shared<bool>(true)) {}

Orchestrator::~Orchestrator() {
  *alive_ = false;
  loop_.cancel(timer_);
  loop_.cancel(stop_timer_);
}

void Orchestrator::recover(const std::vector<WorkerKey>& workers) {
  for (const auto& key : workers) desired_.emplace(key.id(), key);
  recovering_ = true;
  driver_.find_survivors([this, alive = alive_](const std::vector<Survivor>& survivors) {
    if (!*alive) return;
    recovering_ = false;
    std::map<std::string, int> of_one_worker;
    for (const auto& survivor : survivors) ++of_one_worker[survivor.worker];
    for (const auto& survivor : survivors) {
      // Twins may have one user, so that neither could be shut out alone.
      if (of_one_worker[survivor.worker] > 1) {
        driver_.discard(survivor.handle);
      } else {
        adopt(survivor);
      }
    }
    pass();
  });
}

/// Its user is valid again from here on: a survivor looks for its old doors, and goes on where it was cut off.
void Orchestrator::adopt(const Survivor& survivor) {
  const auto found = desired_.find(survivor.worker);
  if (found == desired_.end() || workers_.contains(survivor.worker)) return driver_.discard(survivor.handle);
  Worker& worker = make(found->second);
  worker.last_start = ++last_start_;
  const auto launch = hooks_.launch(worker.key, survivor.credentials);
  if (!driver_.adopt(survivor.handle, launch, events_of(worker))) {
    workers_.erase(survivor.worker);
    return driver_.discard(survivor.handle);
  }
  worker.handle = survivor.handle;
  admit(worker, survivor.credentials);
  enter(worker, Phase::starting);
  log::info("worker adopted", {{"worker", survivor.worker}, {"container", whereabouts(worker).container}});
  if (hooks_.started) hooks_.started(status_of(worker));
}

void Orchestrator::set_desired(const std::vector<WorkerKey>& workers) {
  desired_.clear();
  for (const auto& key : workers) desired_.emplace(key.id(), key);
  pass();
}

void Orchestrator::connected(std::string_view user) {
  for (auto& [name, worker] : workers_) {
    const auto phase = worker.actual.phase;
    if (worker.user != user) continue;
    if (phase != Phase::starting && phase != Phase::preparing && phase != Phase::lost) continue;
    worker.connected_at = loop_.steady_now();
    enter(worker, Phase::running);
    if (hooks_.ready) hooks_.ready(status_of(worker));
    return pass();
  }
}

void Orchestrator::disconnected(std::string_view user) {
  for (auto& [name, worker] : workers_) {
    if (worker.user != user || worker.actual.phase != Phase::running) continue;
    enter(worker, Phase::lost);
    return pass();
  }
}

void Orchestrator::stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  stopping_ = true;
  desired_.clear();
  constexpr std::chrono::seconds patience{10};
  stop_timer_ = loop_.after(settings_.limits.grace + patience, [this] {
    stop_timer_ = 0;
    log::warning("workers are left behind: their end could not be confirmed",
                 {{"count", std::to_string(workers_.size())}});
    this->stopped();
  });
  pass();
}

void Orchestrator::stopped() {
  loop_.cancel(std::exchange(stop_timer_, 0));
  if (stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

void Orchestrator::pass() {
  pass_again_ = true;
  if (passing_ || (recovering_ && !stopping_)) return;
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
  if (stopping_ && workers_.empty()) stopped();
}

Orchestrator::Worker& Orchestrator::make(const WorkerKey& key) {
  Worker worker{key, {}, Backoff(settings_.backoff)};
  worker.actual.name = key.id();
  return workers_.emplace(key.id(), std::move(worker)).first->second;
}

void Orchestrator::apply(const Decision& decision) {
  if (decision.kind == Decision::Kind::start && !workers_.contains(decision.worker)) {
    make(desired_.at(decision.worker));
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
  worker.last_start = ++last_start_;
  const Credentials credentials{
      fmt::format("{}.{}.{}.{}-{}", worker.key.flow, worker.key.step, worker.key.instance, life_, worker.last_start),
      random_token()};
  worker.fault.clear();
  worker.connected_at.reset();
  admit(worker, credentials);
  enter(worker, Phase::preparing);
  worker.handle = driver_.start(hooks_.launch(worker.key, credentials), events_of(worker));
}

void Orchestrator::admit(Worker& worker, const Credentials& credentials) {
  worker.user = credentials.user;
  access_.admit(worker.key, credentials);
  worker.actual.admitted = true;
  ++worker.starts;
}

WorkerEvents Orchestrator::events_of(const Worker& worker) {
  const auto name = worker.actual.name;
  const auto start = worker.last_start;
  WorkerEvents events;
  events.started = [this, alive = alive_, name, start] {
    auto* const subject = *alive ? find(name, start) : nullptr;
    if (subject != nullptr) started(*subject);
  };
  events.ended = [this, alive = alive_, name, start](Exit exit) {
    auto* const subject = *alive ? find(name, start) : nullptr;
    if (subject != nullptr) ended(*subject, std::move(exit));
  };
  return events;
}

Orchestrator::Worker* Orchestrator::find(const std::string& name, std::uint64_t start) {
  const auto found = workers_.find(name);
  return found == workers_.end() || found->second.last_start != start ? nullptr : &found->second;
}

void Orchestrator::started(Worker& worker) {
  if (worker.actual.phase == Phase::preparing) enter(worker, Phase::starting);
  const auto place = whereabouts(worker);
  log::debug(
      "worker started",
      {{"worker", worker.actual.name}, {"pid", std::to_string(place.process_id)}, {"container", place.container}});
  if (hooks_.started) hooks_.started(status_of(worker));
  pass();
}

void Orchestrator::retire(Worker& worker) {
  worker.actual.admitted = false;
  access_.retire(worker.user);
}

void Orchestrator::kill(Worker& worker) {
  const auto& limits = settings_.limits;
  switch (worker.actual.phase) {
    case Phase::preparing:
      worker.fault = fmt::format("did not run {} s after it was asked for", limits.prepare_timeout.count() / 1000);
      break;
    case Phase::starting:
      worker.fault = fmt::format("had not connected {} s after its start", limits.start_timeout.count() / 1000);
      break;
    case Phase::lost:
      worker.fault = "had lost its connection to the broker and did not end";
      break;
    default:
      worker.fault = fmt::format("had not finished {} s after it was told to stop", limits.grace.count() / 1000);
  }
  enter(worker, Phase::killed);
  driver_.kill(worker.handle);
}

void Orchestrator::ended(Worker& worker, Exit exit) {
  const auto& name = worker.actual.name;
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
  if (hooks_.ended) hooks_.ended(status_of(worker), asked_for);
  pass();
}

void Orchestrator::enter(Worker& worker, Phase phase) {
  worker.actual.phase = phase;
  worker.actual.since = loop_.steady_now();
  worker.since_wall = loop_.wall_now();
}

Whereabouts Orchestrator::whereabouts(const Worker& worker) const {
  return worker.handle == 0 ? Whereabouts{} : driver_.whereabouts(worker.handle);
}

WorkerStatus Orchestrator::status_of(const Worker& worker) const {
  WorkerStatus status;
  status.worker = worker.key;
  status.phase = worker.actual.phase;
  status.whereabouts = whereabouts(worker);
  status.starts = worker.starts;
  status.crashes = worker.crashes;
  status.since = worker.since_wall;
  if (worker.actual.phase == Phase::waiting) {
    status.starts_in = std::max(std::chrono::milliseconds(0), between(loop_.steady_now(), worker.actual.next_start));
  }
  status.last_end = worker.last_end;
  return status;
}

bool Orchestrator::has_workers(std::string_view flow, std::int64_t version) const {
  return std::ranges::any_of(workers_, [&](const auto& entry) {
    return entry.second.key.flow == flow && entry.second.key.version == version;
  });
}

std::vector<WorkerStatus> Orchestrator::status() const {
  std::vector<WorkerStatus> result;
  for (const auto& [name, worker] : workers_) result.push_back(status_of(worker));
  return result;
}

}  // namespace millrace::orchestrator
