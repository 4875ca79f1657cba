#include "deployment/startups.hpp"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/log.hpp"
#include "store/startups.hpp"

namespace millrace::deployment {

Status Startups::load() {
  const auto loaded = store_.now<std::vector<store::StartupRecord>>(
      [](store::Database& database) { return store::Startups(database).all(); });
  if (!loaded) return loaded.error();
  for (const auto& record : *loaded) entries_[{record.flow, record.version}] = {record.data, record.ending};
  return Done{};
}

void Startups::reload() {
  using Records = std::vector<store::StartupRecord>;
  store_.run<Records>([](store::Database& database) { return store::Startups(database).all(); },
                      [this, alive = alive_](const Result<Records>& records) {
                        if (*alive && records) take(*records);
                      });
}

void Startups::take(const std::vector<store::StartupRecord>& records) {
  const auto before = std::exchange(entries_, {});
  std::set<std::string> changed;
  for (const auto& record : records) {
    const Key key(record.flow, record.version);
    const auto known = before.find(key);
    entries_[key] = {record.data, record.ending, known == before.end() ? 0 : known->second.attempts};
    if (known == before.end() || known->second.ending != record.ending) changed.insert(record.flow);
  }
  for (const auto& [key, entry] : before) {
    if (!entries_.contains(key)) changed.insert(key.first);
  }
  for (const auto& flow : changed) {
    if (changed_) changed_(flow);
  }
}

bool Startups::has_hooks(const flow::WorkerPlan& worker) const {
  const auto* version = deployed_.find(worker.flow, worker.version);
  const auto& program = worker.settings.program;
  return version != nullptr && program && program->protocol == component::Program::Protocol::sailor &&
         worker.step == version->plan.trigger.step;
}

/// Of a trigger with hooks: it takes events and has not started up.
bool Startups::needs_startup(const flow::WorkerPlan& worker) const {
  return deployed_.find(worker.flow)->state == store::FlowState::running &&
         deployed_.find(worker.flow, worker.version)->stage == Version::Stage::current &&
         !entries_.contains({worker.flow, worker.version});
}

Startups::Due Startups::due(const flow::WorkerPlan& worker) const {
  if (!has_hooks(worker)) return Due::nothing;
  const Key key(worker.flow, worker.version);
  const auto own = entries_.find(key);
  if (own != entries_.end()) return own->second.ending ? Due::waiting : Due::nothing;
  if (starting_.contains(key)) return Due::startup;
  if (!needs_startup(worker)) return Due::nothing;
  const auto is_of_flow = [&](const Key& other) { return other.first == worker.flow; };
  const auto entry = entries_.lower_bound({worker.flow, 0});
  const auto starting = starting_.lower_bound({worker.flow, 0});
  const bool waits =
      (entry != entries_.end() && is_of_flow(entry->first)) || (starting != starting_.end() && is_of_flow(*starting));
  return waits ? Due::waiting : Due::startup;
}

bool Startups::begin_startup(const flow::WorkerPlan& worker) {
  if (!has_hooks(worker)) return false;
  const Key key(worker.flow, worker.version);
  const bool begun = starting_.erase(key) > 0;
  if (due(worker) == Due::startup) return starting_.insert(key).second;
  if (begun && changed_) changed_(worker.flow);
  return false;
}

bool Startups::is_shutdown_due(const std::string& flow, std::int64_t version) const {
  const auto* known = deployed_.find(flow, version);
  const auto entry = entries_.find({flow, version});
  if (known == nullptr || !known->runs() || entry == entries_.end()) return false;
  using enum store::FlowState;
  const auto state = deployed_.find(flow)->state;
  return entry->second.ending || known->stage != Version::Stage::current || (state != running && state != suspended);
}

std::vector<orchestrator::WorkerKey> Startups::shutdowns() const {
  std::vector<orchestrator::WorkerKey> workers;
  for (const auto& [key, entry] : entries_) {
    const auto& [flow, version] = key;
    if (!is_shutdown_due(flow, version)) continue;
    workers.push_back({flow, version, deployed_.find(flow, version)->plan.trigger.step, 0});
  }
  return workers;
}

bool Startups::holds(const std::string& flow, std::int64_t version) {
  if (starting_.contains({flow, version})) return true;
  if (!entries_.contains({flow, version})) return false;
  const auto* known = deployed_.find(flow, version);
  if (known != nullptr && known->runs()) return true;
  give_up({flow, version}, "its version cannot run");
  return false;
}

const std::string* Startups::find(const flow::WorkerPlan& worker) const {
  const auto found = entries_.find({worker.flow, worker.version});
  return found == entries_.end() ? nullptr : &found->second.data;
}

void Startups::keep(const flow::WorkerPlan& worker, std::string data, std::function<void(Status)> done) {
  store::StartupRecord record{worker.flow, worker.version, std::move(data)};
  store_.run<Done>(
      [record](store::Database& database) { return store::Startups(database).add(record); },
      [this, alive = alive_, record, done = std::move(done)](const Status& kept) {
        if (!*alive) return;
        starting_.erase({record.flow, record.version});
        if (kept) {
          entries_[{record.flow, record.version}] = {record.data};
          log::info("a trigger has started up", {{"flow", fmt::format("{}@{}", record.flow, record.version)}});
        }
        done(kept);
        if (kept && changed_) changed_(record.flow);
      });
}

void Startups::begin_shutdown(const flow::WorkerPlan& worker, std::function<void(Result<std::string>)> done) {
  const Key key(worker.flow, worker.version);
  const auto found = entries_.find(key);
  if (found == entries_.end() || !is_shutdown_due(worker.flow, worker.version)) {
    return done(Error{Error::Kind::not_found, "there is nothing to shut down"});
  }
  if (++found->second.attempts > attempts_max) {
    const auto why = fmt::format("it failed {} times", attempts_max);
    give_up(key, why);
    return done(Error{Error::Kind::limit, why});
  }
  found->second.ending = true;
  store_.run<Done>([key](store::Database& database) { return store::Startups(database).end(key.first, key.second); },
                   [alive = alive_, data = found->second.data, done = std::move(done)](const Status& stored) {
                     if (*alive) done(stored ? Result<std::string>(data) : stored.error());
                   });
}

void Startups::remove(const flow::WorkerPlan& worker, std::function<void(Status)> done) {
  remove(Key(worker.flow, worker.version), std::move(done));
}

void Startups::give_up(const Key& key, std::string_view why) {
  log::error("a shutdown hook is given up: what its startup hook did may have to be undone by hand",
             {{"flow", fmt::format("{}@{}", key.first, key.second)},
              {"reason", std::string(why)},
              {"data", entries_.at(key).data}});
  remove(key, [](const Status&) {});
}

void Startups::remove(const Key& key, std::function<void(Status)> done) {
  store_.run<Done>([key](store::Database& database) { return store::Startups(database).remove(key.first, key.second); },
                   [this, alive = alive_, key, done = std::move(done)](const Status& removed) {
                     if (!*alive) return;
                     if (removed) entries_.erase(key);
                     done(removed);
                     if (removed && changed_) changed_(key.first);
                   });
}

}  // namespace millrace::deployment
