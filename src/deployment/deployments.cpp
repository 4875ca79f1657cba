#include "deployment/deployments.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/log.hpp"
#include "deployment/topology.hpp"

namespace millrace::deployment {
namespace {

constexpr std::chrono::milliseconds drain_interval{100};

std::string named(const std::string& flow, std::int64_t version) {
  return fmt::format("{}@{}", flow, version);
}

}  // namespace

Deployments::Deployments(Parts parts, Deployed& deployed, Demand::Settings settings, Hooks hooks)
    : parts_(parts),
      hooks_(std::move(hooks)),
      session_(parts.broker.begin_session()),
      deployed_(deployed),
      books_(parts.broker, session_),
      parking_(parts.loop, parts.broker, session_),
      demand_(
          parts.loop, parts.broker, deployed_, parking_, parts.startups, settings,
          [this](std::vector<orchestrator::WorkerKey> workers) { hooks_.desire(own(std::move(workers))); },
          hooks_.unread) {
  parts_.startups.watch([this](const std::string& name) {
    if (const auto* flow = deployed_.find(name); flow != nullptr) demand_.look_at(*flow);
  });
  parts_.broker.order_by(
      [this](const std::string& queue, const broker::Message& message) { return order_keys_.key(queue, message); });
}

Deployments::~Deployments() {
  *alive_ = false;
  parts_.startups.watch(nullptr);
  parts_.broker.order_by(nullptr);
  parts_.loop.cancel(timer_);
  parts_.broker.end_session(session_, broker::SessionEnd::clean);
}

/// By flow, step and instance: the next version's worker starts where the one before had it, and what a trigger's hooks
/// have left is handled in one place.
std::vector<orchestrator::WorkerKey> Deployments::own(std::vector<orchestrator::WorkerKey> workers) const {
  if (parts_.membership == nullptr) return workers;
  std::erase_if(workers, [&](const orchestrator::WorkerKey& worker) {
    return !parts_.membership->owns(fmt::format("{}/{}", worker.flow, worker.step), worker.instance);
  });
  return workers;
}

void Deployments::members_changed() {
  if (std::exchange(turn_, parts_.membership->turn()) != parts_.membership->turn()) {
    std::vector<std::string> names;
    for (const auto& [name, flow] : deployed_.flows()) names.push_back(name);
    for (const auto& name : names) {
      // Another one may have ticked since: where a schedule stands is read anew.
      parts_.scheduler.withdraw(name);
      settle(deployed_.add(name));
    }
  }
  demand_.tell();
}

void Deployments::follow_store(const std::string& name) {
  using Wanted = std::optional<store::FlowInUse>;
  parts_.store.run<Wanted>(
      [name](store::Database& database) -> Result<Wanted> {
        auto wanted = store::Flows(database).in_use(name);
        if (wanted) return Wanted(std::move(*wanted));
        if (wanted.error().kind == Error::Kind::not_found) return Wanted();
        return wanted.error();
      },
      [this, alive = alive_, name](const Result<Wanted>& wanted) {
        if (!*alive) return;
        if (!wanted) {
          return log::warning("a change of a flow is not followed",
                              {{"flow", name}, {"reason", wanted.error().message}});
        }
        *wanted ? follow(**wanted) : let_go(name);
      });
}

bool Deployments::is_forgotten(const std::string& flow, std::int64_t version) const {
  return forgotten_.contains({flow, version}) || forgotten_.contains({flow, 0});
}

void Deployments::let_go(Flow& flow, std::int64_t number) {
  const auto found = flow.versions.find(number);
  if (found == flow.versions.end()) return;
  parking_.remove(found->second.plan);
  order_keys_.remove(found->second.plan);
  if (hooks_.removed && found->second.runs()) hooks_.removed(found->second);
  deployed_.remove(flow, number);
}

void Deployments::let_go(const std::string& name) {
  if (deployed_.find(name) == nullptr) return;
  auto& flow = deployed_.add(name);
  while (!flow.versions.empty()) let_go(flow, flow.versions.begin()->first);
  parts_.gateway.withdraw(name);
  parts_.scheduler.withdraw(name);
  deployed_.remove(name);
  books_.forget(name);
  if (hooks_.deleted) hooks_.deleted(name);
  demand_.tell();
}

void Deployments::let_go_of_retired(Flow& flow, const store::FlowInUse& wanted) {
  std::vector<std::int64_t> gone;
  for (const auto& [number, version] : flow.versions) {
    const bool stays = std::ranges::any_of(wanted.versions, [&](const auto& one) { return one.number == number; });
    if (!stays && version.stage != Version::Stage::removing) gone.push_back(number);
  }
  for (const auto number : gone) {
    log::info("a version was retired by another platform", {{"flow", named(flow.name, number)}});
    let_go(flow, number);
  }
}

void Deployments::follow(const store::FlowInUse& wanted) {
  if (wanted.state == store::FlowState::draft || is_forgotten(wanted.name, 0)) return;
  auto& flow = deployed_.add(wanted.name);
  flow.state = wanted.state;
  flow.scales = wanted.scales;
  let_go_of_retired(flow, wanted);
  const auto known_before = flow.versions.size();
  for (const auto& record : wanted.versions) {
    if (is_forgotten(wanted.name, record.number)) continue;
    const auto known = flow.versions.find(record.number);
    if (known == flow.versions.end()) {
      add(flow, record);
    } else if (record.state == store::VersionState::draining && known->second.stage == Version::Stage::current) {
      known->second.stage = Version::Stage::draining;
    }
  }
  if (flow.versions.size() > known_before) inherit_windows(flow);
  settle(flow);
  if (hooks_.changed) hooks_.changed(flow);
}

void Deployments::inherit_windows(const Flow& flow) {
  const auto* current = flow.current();
  if (current == nullptr || !current->runs()) return;
  std::vector<const flow::Plan*> earlier;
  for (const auto& [number, version] : flow.versions) {
    if (&version != current && version.runs()) earlier.push_back(&version.plan);
  }
  deployment::inherit_windows(parts_.broker, session_, current->plan, earlier);
}

void Deployments::follow_again() {
  std::vector<std::string> names;
  for (const auto& [name, flow] : deployed_.flows()) {
    const auto fails = [](const auto& entry) { return !entry.second.runs(); };
    if (std::any_of(flow.versions.begin(), flow.versions.end(), fails)) names.push_back(name);
  }
  for (const auto& name : names) {
    parts_.store.run<store::FlowInUse>(
        [name](store::Database& database) { return store::Flows(database).in_use(name); },
        [this, alive = alive_](const Result<store::FlowInUse>& wanted) {
          if (!*alive || !wanted) return;
          auto& flow = deployed_.add(wanted->name);
          std::vector<std::int64_t> failed;
          for (const auto& [number, version] : flow.versions) {
            if (!version.runs()) failed.push_back(number);
          }
          for (const auto number : failed) deployed_.remove(flow, number);
          follow(*wanted);
        });
  }
}

void Deployments::add(Flow& flow, const store::VersionRecord& record) {
  Version version{record.number, Version::Stage::current, {}};
  if (record.state == store::VersionState::draining) version.stage = Version::Stage::draining;
  const auto name = named(record.flow, record.number);
  auto definitions = flow::load_text(record.source, name, parts_.catalogue, parts_.variables, parts_.running);
  if (!definitions) {
    for (const auto& problem : definitions.error()) {
      log::error("a version of a flow cannot run", {{"flow", name}, {"reason", problem.to_string()}});
    }
    version.problems = definitions.error();
    deployed_.add(flow, std::move(version));
    return;
  }
  const auto& definition = definitions->front();
  version.plan = flow::make_plan(definition, record.number, parts_.catalogue);
  order_keys_.add(version.plan);
  const auto declared = declare(parts_.broker, session_, version.plan, [name](const Error& error) {
    log::error("what a flow needs is not declared for good", {{"flow", name}, {"reason", error.message}});
  });
  // The broker has them; of thousands of flows they would be megabytes.
  for (auto& queue : version.plan.queues) queue.arguments = {};
  if (!declared) version.problems.push_back({{name}, "", declared.error().message, ""});
  version.route = gateway::make_route(definition, record.number);
  const auto& added = deployed_.add(flow, std::move(version));
  if (added.runs()) books_.add(added.plan);
  if (added.runs()) parking_.add(added.plan);
  if (added.runs() && hooks_.added) hooks_.added(added);
}

void Deployments::serve(const Flow& flow) {
  const auto* current = flow.current();
  if (current == nullptr || !current->route || flow.state == store::FlowState::deleting) {
    return parts_.gateway.withdraw(flow.name);
  }
  const bool open = flow.state != store::FlowState::stopped;
  const auto served = parts_.gateway.serve(*current->route, open);
  if (open && !served) log::error("a flow has no webhook", {{"flow", flow.name}, {"reason", served.error().message}});
}

/// Everything beside the versions themselves as the flow's state wants it.
void Deployments::settle(Flow& flow) {
  const auto* current = flow.current();
  serve(flow);
  if (current != nullptr && current->runs() && flow.state == store::FlowState::running && leads()) {
    parts_.scheduler.serve(current->plan);
    std::vector<std::string> earlier;
    for (const auto& [number, version] : flow.versions) {
      if (number == current->number) continue;
      for (const auto& worker : version.plan.workers) {
        if (worker.step != version.plan.trigger.step) continue;
        earlier.push_back(worker.queue());
        earlier.push_back(worker.rebounds());
      }
    }
    parts_.scheduler.wait_for(flow.name, std::move(earlier));
  } else {
    parts_.scheduler.withdraw(flow.name);
  }
  if (flow.state == store::FlowState::stopped && leads()) {
    for (const auto& [number, version] : flow.versions) drop_waiting_ticks(parts_.broker, session_, version.plan);
  }
  demand_.look_at(flow);
  if (timer_ == 0) timer_ = parts_.loop.after(std::chrono::nanoseconds(0), [this] { look_at_drains(); });
}

void Deployments::look_at_drains() {
  timer_ = 0;
  bool again = false;
  std::vector<std::string> names;
  for (const auto& [name, flow] : deployed_.flows()) {
    const bool drains = flow.versions.size() > 1 || flow.state == store::FlowState::deleting;
    if (drains) names.push_back(name);
  }
  for (const auto& name : names) again = drain(deployed_.add(name)) || again;
  if (again && timer_ == 0) timer_ = parts_.loop.after(drain_interval, [this] { look_at_drains(); });
}

bool Deployments::drain(Flow& flow) {
  if (flow.state == store::FlowState::deleting) return take_apart(flow);
  bool again = false;
  for (auto& [number, version] : flow.versions) again = drain(flow, version) || again;
  return again;
}

bool Deployments::drain(Flow& flow, Version& version) {
  using Stage = Version::Stage;
  if (version.stage == Stage::current || version.stage == Stage::removing || !version.runs()) return false;
  if (leads()) drop_waiting_ticks(parts_.broker, session_, version.plan);
  if (in_flight(parts_.broker, version.plan) > 0 || (leads() && parts_.startups.holds(flow.name, version.number))) {
    if (std::exchange(version.stage, Stage::draining) != Stage::draining) demand_.tell();
    return true;
  }
  if (std::exchange(version.stage, Stage::emptied) != Stage::emptied) {
    demand_.tell();
    return true;
  }
  if (!leads() || hooks_.has_workers(flow.name, version.number)) return true;
  version.stage = Stage::removing;
  parts_.broker.refresh(queues_of_steps(version.plan),
                        [this, alive = alive_, name = flow.name, number = version.number] {
                          if (*alive) remove(name, number);
                        });
  return version.stage != Stage::removing;
}

/// Its workers have ended: what they gave back meanwhile keeps it draining.
void Deployments::remove(const std::string& name, std::int64_t number) {
  auto& flow = deployed_.add(name);
  const auto found = flow.versions.find(number);
  if (found == flow.versions.end()) return;
  auto& version = found->second;
  if (in_flight(parts_.broker, version.plan) > 0 || is_read(parts_.broker, version.plan)) {
    version.stage = Version::Stage::draining;
    demand_.tell();
    if (timer_ == 0) timer_ = parts_.loop.after(drain_interval, [this] { look_at_drains(); });
    return;
  }
  books_.close(version.plan);
  const auto gone = [this, alive = alive_, name, number](const Status& done) {
    if (!*alive) return;
    if (done) return forget(name, number);
    log::error("the queues of an old version could not be removed",
               {{"flow", named(name, number)}, {"reason", done.error().message}});
  };
  if (const auto begun = remove_version(parts_.broker, session_, version.plan, gone); !begun) gone(begun);
}

void Deployments::forget(const std::string& name, std::int64_t number) {
  const auto* version = deployed_.find(name, number);
  if (version == nullptr) return;
  let_go(deployed_.add(name), number);
  forgotten_.insert({name, number});
  log::info("a version has finished and is retired", {{"flow", named(name, number)}});
  parts_.store.run<Done>(
      [name, number](store::Database& database) { return store::Flows(database).retire(name, number); },
      [this, alive = alive_, name, number](const Status& retired) {
        if (retired && *alive) forgotten_.erase({name, number});
        if (retired) return;
        log::error("the store does not learn that a version is retired",
                   {{"flow", named(name, number)}, {"reason", retired.error().message}});
      });
}

bool Deployments::take_apart(Flow& flow) {
  if (!leads()) return true;
  std::vector<std::int64_t> numbers;
  for (auto& [number, version] : flow.versions) {
    // Its end may be the flow's, or only the version's own: then the flow is looked at once more.
    if (version.stage == Version::Stage::removing) return true;
    numbers.push_back(number);
  }
  bool held = false;
  for (const auto number : numbers) held = parts_.startups.holds(flow.name, number) || held;
  if (held) return true;
  if (std::ranges::any_of(numbers, [&](auto number) { return hooks_.has_workers(flow.name, number); })) return true;
  for (auto& [number, version] : flow.versions) {
    version.stage = Version::Stage::removing;
    books_.close(version.plan);
  }
  remove_flow(
      parts_.broker, session_, flow.name, numbers, [this, alive = alive_, name = flow.name](const Status& gone) {
        if (!*alive) return;
        if (!gone) {
          return log::error("a flow's queues could not be removed", {{"flow", name}, {"reason", gone.error().message}});
        }
        let_go(name);
        forgotten_.insert({name, 0});
        parts_.store.run<Done>([name](store::Database& database) { return store::Flows(database).remove(name); },
                               [this, alive, name](const Status& removed) {
                                 if (removed && *alive) forgotten_.erase({name, 0});
                                 if (removed) return log::info("a flow is deleted", {{"flow", name}});
                                 log::error("the store does not forget a deleted flow",
                                            {{"flow", name}, {"reason", removed.error().message}});
                               });
      });
  return false;
}

}  // namespace millrace::deployment
