#include "deployment/demand.hpp"

#include <algorithm>
#include <utility>

namespace millrace::deployment {
namespace {

constexpr std::chrono::milliseconds review_interval{1'000};

}  // namespace

Demand::Demand(io::Loop& loop, broker::Queues& broker, const Deployed& deployed, const Parking& parking,
               Startups& startups, Settings settings, Desire desire, Unread unread)
    : loop_(loop),
      broker_(broker),
      deployed_(deployed),
      parking_(parking),
      startups_(startups),
      settings_(settings),
      desire_(std::move(desire)),
      unread_(std::move(unread)) {
  broker_.watch_demand([this](const std::string& queue) { wanted(queue); });
  if (settings_.is_shared) look_timer_ = loop_.after(review_interval, [this] { look_around(); });
}

Demand::~Demand() {
  broker_.watch_demand(nullptr);
  loop_.cancel(review_timer_);
  loop_.cancel(tell_timer_);
  loop_.cancel(look_timer_);
}

void Demand::look_at(const Flow& flow) {
  for (const auto& [number, version] : flow.versions) {
    for (const auto& worker : version.plan.workers) {
      if (is_busy(worker) || has_fewest(worker)) wanted(worker.queue());
      if (startups_.due(worker) != Startups::Due::nothing) starting_.insert(worker.queue());
      if (settings_.warm && worker.step != version.plan.trigger.step) kept_.insert(worker.queue());
    }
  }
  tell_soon();
}

/// The broker tells of queues that nobody reads; of those that only others' workers read it does not.
void Demand::look_around() {
  look_timer_ = loop_.after(review_interval, [this] { look_around(); });
  for (const auto& [name, flow] : deployed_.flows()) {
    for (const auto& [number, version] : flow.versions) {
      for (const auto& worker : version.plan.workers) {
        if (!busy_.contains(worker.queue()) && is_busy(worker)) wanted(worker.queue());
      }
    }
  }
}

void Demand::wanted(const std::string& queue) {
  const auto* worker = deployed_.worker(queue);
  if (worker == nullptr) {
    if (unread_) unread_(queue);
    return;
  }
  auto& busy = busy_[queue];
  busy.last_message = loop_.steady_now();
  if (review(*worker, busy)) tell_soon();
  if (review_timer_ == 0) review_timer_ = loop_.after(review_interval, [this] { review(); });
}

void Demand::tell_soon() {
  if (tell_timer_ != 0) return;
  tell_timer_ = loop_.after(std::chrono::nanoseconds(0), [this] { tell(); });
}

void Demand::tell() {
  loop_.cancel(std::exchange(tell_timer_, 0));
  std::erase_if(kept_, [&](const std::string& queue) { return deployed_.worker(queue) == nullptr; });
  look_at_startups();
  auto desired = startups_.shutdowns();
  const auto want = [&](const std::string& queue) {
    const auto* worker = deployed_.worker(queue);
    if (worker == nullptr) return;
    const auto count = instances_of(*worker);
    for (std::uint32_t instance = 1; instance <= count; ++instance) {
      desired.push_back({worker->flow, worker->version, worker->step, instance});
    }
  };
  for (const auto& [queue, busy] : busy_) want(queue);
  for (const auto& queue : kept_) {
    if (!busy_.contains(queue)) want(queue);
  }
  for (const auto& queue : starting_) {
    if (!busy_.contains(queue) && !kept_.contains(queue)) want(queue);
  }
  desire_(std::move(desired));
}

/// A trigger that has started up goes on as one that has had a message.
void Demand::look_at_startups() {
  for (auto queue = starting_.begin(); queue != starting_.end();) {
    const auto* worker = deployed_.worker(*queue);
    const bool due = worker != nullptr && startups_.due(*worker) != Startups::Due::nothing;
    if (worker != nullptr && !due) wanted(*queue);
    queue = due ? std::next(queue) : starting_.erase(queue);
  }
}

void Demand::review() {
  review_timer_ = 0;
  const auto now = loop_.steady_now();
  bool changed = false;
  for (auto entry = busy_.begin(); entry != busy_.end();) {
    auto& [queue, busy] = *entry;
    const auto* worker = deployed_.worker(queue);
    if (worker != nullptr && is_busy(*worker)) busy.last_message = now;
    const bool stays = worker != nullptr && (now - busy.last_message < settings_.idle_time_max || has_fewest(*worker) ||
                                             is_kept_warm(*worker));
    changed = (stays ? review(*worker, busy) : true) || changed;
    entry = stays ? std::next(entry) : busy_.erase(entry);
  }
  if (changed) tell_soon();
  if (!busy_.empty()) review_timer_ = loop_.after(review_interval, [this] { review(); });
}

bool Demand::review(const flow::WorkerPlan& worker, Busy& busy) {
  const auto queue = broker_.queue(worker.queue());
  if (!queue) return false;
  const auto now = loop_.steady_now();
  busy.oldest_wait = busy.waiting.look(*queue, now);
  const auto before = busy.scale.wanted;
  orchestrator::ScaleLimits limits;
  limits.settle_time = settings_.idle_time_max;
  orchestrator::Load load;
  load.messages = queue->ready + queue->unsettled;
  load.waits = queue->ready > 0;
  load.arrived_total = queue->published_total;
  load.settled_total = queue->settled_total;
  load.oldest_wait = busy.oldest_wait;
  load.connected = queue->consumers;
  load.held = parking_.holds(worker.queue());
  busy.scale = orchestrator::scale(worker.instances, load, std::move(busy.scale), now, limits);
  return busy.scale.wanted != before;
}

std::uint32_t Demand::instances_of(const flow::WorkerPlan& worker) const {
  if (const auto due = startups_.due(worker); due != Startups::Due::nothing) return due == Startups::Due::startup;
  const auto* flow = deployed_.find(worker.flow);
  const auto* version = deployed_.find(worker.flow, worker.version);
  const bool works = flow->state == store::FlowState::running || flow->state == store::FlowState::stopped;
  const bool ends = version->stage == Version::Stage::emptied || version->stage == Version::Stage::removing;
  if (!works || ends || waits_for(worker)) return 0;
  const auto busy = busy_.find(worker.queue());
  const auto by_hand = flow->scales.find(worker.step);
  if (by_hand != flow->scales.end() || worker.instances.is_fixed()) {
    const bool is_wanted = busy != busy_.end() || (settings_.warm && is_current(worker));
    return !is_wanted ? 0 : by_hand != flow->scales.end() ? by_hand->second : worker.instances.max;
  }
  const auto scaled = busy == busy_.end() ? 0 : busy->second.scale.wanted;
  return std::max(scaled, is_current(worker) ? worker.instances.min : 0);
}

std::optional<std::int64_t> Demand::waits_for(const flow::WorkerPlan& worker) const {
  if (!worker.ordered_by) return std::nullopt;
  for (const auto& [number, version] : deployed_.find(worker.flow)->versions) {
    if (number >= worker.version) break;
    const bool is_over = version.stage == Version::Stage::emptied || version.stage == Version::Stage::removing;
    if (version.runs() && !is_over) return number;
  }
  return std::nullopt;
}

StepScale Demand::scale_of(const flow::WorkerPlan& worker) const {
  StepScale scale;
  scale.file = worker.instances;
  const auto* flow = deployed_.find(worker.flow);
  if (const auto set = flow->scales.find(worker.step); set != flow->scales.end()) scale.by_hand = set->second;
  scale.wanted = instances_of(worker);
  scale.waits_for = waits_for(worker);
  if (const auto queue = broker_.queue(worker.queue())) {
    scale.connected = queue->consumers;
    scale.waiting = queue->ready + queue->arriving;
    scale.in_work = queue->unsettled;
  }
  if (const auto busy = busy_.find(worker.queue()); busy != busy_.end()) scale.oldest_wait = busy->second.oldest_wait;
  return scale;
}

/// A version that takes events, of a flow that runs; a trigger's worker does not count.
bool Demand::is_current(const flow::WorkerPlan& worker) const {
  const auto* version = deployed_.find(worker.flow, worker.version);
  return deployed_.find(worker.flow)->state == store::FlowState::running && version->stage == Version::Stage::current &&
         worker.step != version->plan.trigger.step;
}

/// Has workers also without messages, and its queue is looked at all the time.
bool Demand::has_fewest(const flow::WorkerPlan& worker) const {
  return !worker.instances.is_fixed() && worker.instances.min > 0 && is_current(worker);
}

bool Demand::is_kept_warm(const flow::WorkerPlan& worker) const {
  return settings_.warm && deployed_.find(worker.flow)->state == store::FlowState::running;
}

bool Demand::is_busy(const flow::WorkerPlan& worker) const {
  const auto queue = broker_.queue(worker.queue());
  return queue && queue->ready + queue->unsettled > 0;
}

}  // namespace millrace::deployment
