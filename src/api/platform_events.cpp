#include "api/platform_events.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "deployment/step_count.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds count_interval{1};
constexpr std::string_view dead_letters_suffix = ".dead-letters";
/// Of those that come at once so many are told of one by one, and the rest as a number.
constexpr std::uint64_t letters_told_max = 20;

json::object step_counts(const broker::Queues& broker, const flow::WorkerPlan& worker) {
  const auto queue = broker.queue(worker.queue());
  return {{"step", worker.step},
          {"waiting", queue ? queue->ready + queue->arriving : 0},
          {"in_work", queue ? queue->unsettled : 0},
          {"retrying", deployment::count_of(broker, worker).retrying},
          {"settled", queue ? queue->settled_total : 0}};
}

bool is_nothing(const json::object& step) {
  return std::ranges::all_of(step, [](const auto& member) {
    return member.key() == "step" || member.value().template to_number<std::uint64_t>() == 0;
  });
}

/// Of all versions in use: {"flow", "dead_letters", "versions": [{"version", "steps": […]}]}; nullopt if all are 0.
std::optional<json::object> counts_of(const broker::Queues& broker, const deployment::Flow& flow,
                                      std::uint64_t letters) {
  bool any = false;
  json::array versions;
  for (const auto& [number, version] : flow.versions) {
    json::array steps;
    for (const auto& worker : version.plan.workers) {
      auto step = step_counts(broker, worker);
      any = any || !is_nothing(step);
      steps.push_back(std::move(step));
    }
    versions.push_back({{"version", number}, {"steps", std::move(steps)}});
  }
  if (!any && letters == 0) return std::nullopt;
  return json::object{{"flow", flow.name}, {"dead_letters", letters}, {"versions", std::move(versions)}};
}

json::object subject_of(const orchestrator::WorkerStatus& worker) {
  json::object subject = {{"worker", worker.worker.name()},
                          {"flow", worker.worker.flow},
                          {"version", worker.worker.version},
                          {"step", worker.worker.step},
                          {"instance", worker.worker.instance}};
  if (worker.whereabouts.process_id != 0) subject["pid"] = worker.whereabouts.process_id;
  if (!worker.whereabouts.container.empty()) subject["container"] = worker.whereabouts.container;
  return subject;
}

std::string_view type_of(store::FlowState state) {
  switch (state) {
    case store::FlowState::suspended:
      return "flow.suspended";
    case store::FlowState::stopped:
      return "flow.stopped";
    case store::FlowState::deleting:
      return "flow.deleting";
    default:
      return "flow.started";
  }
}

}  // namespace

PlatformEvents::~PlatformEvents() {
  parts_.loop.cancel(timer_);
}

void PlatformEvents::tell(std::string_view type, json::object subject) {
  if (begun_) parts_.events.add(type, std::move(subject));
}

void PlatformEvents::flow_changed(const deployment::Flow& flow) {
  auto& known = known_[flow.name];
  const auto* current = flow.current();
  const auto version = current == nullptr ? known.version : current->number;
  const bool is_new = !known.state;
  if (std::exchange(known.version, version) != version) {
    tell("flow.published", {{"flow", flow.name}, {"version", version}});
  }
  if (std::exchange(known.state, flow.state) != flow.state && !is_new) {
    tell(type_of(flow.state), {{"flow", flow.name}, {"version", version}});
  }
  if (is_new) known.dead_letters = parts_.dead_letters.count(flow.name).total;
}

void PlatformEvents::flow_deleted(const std::string& flow) {
  known_.erase(flow);
  tell("flow.deleted", {{"flow", flow}});
}

void PlatformEvents::worker_started(const orchestrator::WorkerStatus& worker) {
  tell("worker.started", subject_of(worker));
}

void PlatformEvents::worker_ready(const orchestrator::WorkerStatus& worker) {
  tell("worker.ready", subject_of(worker));
}

void PlatformEvents::worker_ended(const orchestrator::WorkerStatus& worker, bool asked_for) {
  auto subject = subject_of(worker);
  if (worker.last_end) subject["reason"] = worker.last_end->reason;
  if (!asked_for) subject["starts_in_ms"] = worker.starts_in.count();
  tell(asked_for ? "worker.stopped" : "worker.crashed", std::move(subject));
}

void PlatformEvents::unread(const std::string& queue) {
  if (queue.ends_with(dead_letters_suffix)) died(queue.substr(0, queue.size() - dead_letters_suffix.size()));
}

void PlatformEvents::died(const std::string& flow) {
  const auto known = known_.find(flow);
  if (known == known_.end()) return;
  const auto count = parts_.dead_letters.count(flow);
  const auto before = std::exchange(known->second.dead_letters, count.total);
  if (count.total <= before) return;
  const auto fresh = std::min(count.total - before, count.waiting);
  parts_.dead_letters.newest(flow, std::min(fresh, letters_told_max),
                             [this, flow, fresh](const Result<std::vector<DeadLetter>>& letters) {
                               if (!letters) return;  // of a store that is lost; the log says so
                               for (const auto& letter : *letters) tell("dead-letter.added", letter.to_json(false));
                               if (fresh <= letters_told_max) return;
                               tell("dead-letters.added", {{"flow", flow}, {"count", fresh - letters_told_max}});
                             });
}

io::posix::HttpResponse PlatformEvents::follow(const std::string& flow, const std::string& last_id) {
  return parts_.events.follow(flow, last_id, [this, flow](EventReader& reader) {
    for (const auto& [name, deployed] : parts_.deployed.flows()) {
      if (!flow.empty() && flow != name) continue;
      const auto counts = counts_of(parts_.broker, deployed, parts_.dead_letters.count(name).waiting);
      if (counts) reader.send("counts", {}, json::serialize(*counts));
    }
    if (timer_ == 0) timer_ = parts_.loop.after(count_interval, [this] { watch(); });
  });
}

void PlatformEvents::watch() {
  timer_ = 0;
  if (!parts_.events.is_watched()) return;
  for (const auto& [name, flow] : parts_.deployed.flows()) {
    const auto counts = counts_of(parts_.broker, flow, parts_.dead_letters.count(name).waiting);
    if (!counts) continue;
    auto& shown = known_[name].counts;
    auto text = json::serialize(*counts);
    if (shown == text) continue;
    shown = std::move(text);
    parts_.events.show("counts", name, *counts);
  }
  timer_ = parts_.loop.after(count_interval, [this] { watch(); });
}

}  // namespace millrace::api
