#include "app/worker_presences.hpp"

#include <utility>
#include <vector>

namespace millrace::app {
namespace {

constexpr std::chrono::seconds look_interval{1};
constexpr std::chrono::seconds time_to_tell{5};

std::uint64_t acknowledged(const component::StepCounts& counts) {
  return counts.done + counts.filtered + counts.dead + counts.rebounds;
}

}  // namespace

WorkerPresences::WorkerPresences(io::Loop& loop, std::chrono::milliseconds silence_max, Hooks hooks)
    : loop_(loop), silence_max_(silence_max), hooks_(std::move(hooks)) {}

WorkerPresences::~WorkerPresences() {
  loop_.cancel(timer_);
}

WorkerPresences::Worker& WorkerPresences::known(const std::string& user, const flow::WorkerPlan& worker) {
  auto& known = workers_[user];
  if (known.queue.empty()) {
    known.queue = worker.queue();
    known.rebounds = worker.rebounds();
  }
  known.seen = loop_.steady_now();
  look_later();
  return known;
}

void WorkerPresences::take(const std::string& user, const flow::WorkerPlan& worker,
                           const component::Presence& presence) {
  auto& teller = known(user, worker);
  teller.tells = true;
  count(teller, presence);
  const bool was_silent = std::exchange(teller.silent, false);
  if (!std::exchange(teller.here, true) || was_silent) hooks_.here(user);
}

void WorkerPresences::asked(const std::string& user, const flow::WorkerPlan& worker) {
  known(user, worker);
}

void WorkerPresences::count(Worker& worker, const component::Presence& presence) {
  auto& step = by_queue_[worker.queue];
  step.in_work += presence.in_work - worker.presence.in_work;
  step.settled_total += acknowledged(presence.counts) - acknowledged(worker.presence.counts);
  auto& rebounds = by_queue_[worker.rebounds].published_total;
  rebounds = rebounds.value_or(0) + presence.counts.rebounds - worker.presence.counts.rebounds;
  worker.presence = presence;
}

void WorkerPresences::forget(const std::string& user) {
  const auto known = workers_.find(user);
  if (known == workers_.end()) return;
  auto last = known->second.presence;
  last.in_work = 0;
  count(known->second, last);
  workers_.erase(known);
}

rabbitmq::Queues::Work WorkerPresences::work(const std::string& queue) const {
  const auto known = by_queue_.find(queue);
  return known == by_queue_.end() ? rabbitmq::Queues::Work{} : known->second;
}

/// Only while there are some: with the embedded broker none says anything here.
void WorkerPresences::look_later() {
  if (timer_ != 0 || workers_.empty()) return;
  timer_ = loop_.after(look_interval, [this] {
    timer_ = 0;
    look();
    look_later();
  });
}

void WorkerPresences::look() {
  std::vector<std::string> silent;
  std::vector<std::string> here;
  for (auto& [user, worker] : workers_) {
    const auto quiet = loop_.steady_now() - worker.seen;
    if (worker.tells && quiet > silence_max_ && !std::exchange(worker.silent, true)) silent.push_back(user);
    if (!worker.tells && quiet > time_to_tell && !std::exchange(worker.here, true)) here.push_back(user);
  }
  for (const auto& user : silent) hooks_.silent(user);
  for (const auto& user : here) hooks_.here(user);
}

}  // namespace millrace::app
