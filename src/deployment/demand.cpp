#include "deployment/demand.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace millrace::deployment {
namespace {

constexpr std::chrono::milliseconds review_interval{1'000};

}  // namespace

Demand::Demand(io::Loop& loop, broker::Broker& broker, const Deployed& deployed, Settings settings, Desire desire,
               Unread unread)
    : loop_(loop),
      broker_(broker),
      deployed_(deployed),
      settings_(settings),
      desire_(std::move(desire)),
      unread_(std::move(unread)) {
  broker_.watch_demand([this](const std::string& queue) { wanted(queue); });
}

Demand::~Demand() {
  broker_.watch_demand(nullptr);
  loop_.cancel(review_timer_);
  loop_.cancel(tell_timer_);
}

void Demand::look_at(const Flow& flow) {
  for (const auto& [number, version] : flow.versions) {
    for (const auto& worker : version.plan.workers) {
      if (is_busy(worker)) wanted(worker.queue());
    }
  }
  tell_soon();
}

void Demand::wanted(const std::string& queue) {
  if (deployed_.worker(queue) == nullptr) {
    if (unread_) unread_(queue);
    return;
  }
  const auto [known, added] = busy_.insert_or_assign(queue, loop_.steady_now());
  if (added) tell_soon();
  if (review_timer_ == 0) review_timer_ = loop_.after(review_interval, [this] { review(); });
}

void Demand::tell_soon() {
  if (tell_timer_ != 0) return;
  tell_timer_ = loop_.after(std::chrono::nanoseconds(0), [this] { tell(); });
}

void Demand::tell() {
  loop_.cancel(std::exchange(tell_timer_, 0));
  std::vector<orchestrator::WorkerKey> desired;
  const auto want = [&](const flow::WorkerPlan& worker) {
    for (std::uint32_t instance = 1; instance <= worker.instances; ++instance) {
      desired.push_back({worker.flow, worker.version, worker.step, instance});
    }
  };
  for (const auto& [queue, since] : busy_) {
    const auto* worker = deployed_.worker(queue);
    if (worker == nullptr) continue;
    const auto* flow = deployed_.find(worker->flow);
    const auto& version = flow->versions.at(worker->version);
    const bool works = flow->state == store::FlowState::running || flow->state == store::FlowState::stopped;
    const bool ends = version.stage == Version::Stage::emptied || version.stage == Version::Stage::removing;
    if (works && !ends && !is_warm(*flow, version, *worker)) want(*worker);
  }
  if (settings_.warm) {
    for (const auto& [name, flow] : deployed_.flows()) {
      for (const auto& [number, version] : flow.versions) {
        for (const auto& worker : version.plan.workers) {
          if (is_warm(flow, version, worker)) want(worker);
        }
      }
    }
  }
  desire_(std::move(desired));
}

void Demand::review() {
  review_timer_ = 0;
  const auto now = loop_.steady_now();
  bool changed = false;
  for (auto entry = busy_.begin(); entry != busy_.end();) {
    const auto* worker = deployed_.worker(entry->first);
    if (worker != nullptr && is_busy(*worker)) entry->second = now;
    const bool stays =
        worker != nullptr && (now - entry->second < settings_.idle_time_max ||
                              (settings_.warm && deployed_.find(worker->flow)->state == store::FlowState::running));
    changed = changed || !stays;
    entry = stays ? std::next(entry) : busy_.erase(entry);
  }
  if (changed) tell_soon();
  if (!busy_.empty()) review_timer_ = loop_.after(review_interval, [this] { review(); });
}

bool Demand::is_warm(const Flow& flow, const Version& version, const flow::WorkerPlan& worker) const {
  return settings_.warm && flow.state == store::FlowState::running && version.stage == Version::Stage::current &&
         worker.step != version.plan.trigger.step;
}

bool Demand::is_busy(const flow::WorkerPlan& worker) const {
  const auto queue = broker_.queue(worker.queue());
  return queue && queue->ready + queue->unsettled > 0;
}

}  // namespace millrace::deployment
