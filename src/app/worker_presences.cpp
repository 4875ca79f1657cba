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
    : loop_(loop), silence_max_(silence_max), hooks_(std::move(hooks)) {
  timer_ = loop_.after(look_interval, [this] { look(); });
}

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
  return known;
}

void WorkerPresences::take(const std::string& user, const flow::WorkerPlan& worker,
                           const component::Presence& presence) {
  auto& teller = known(user, worker);
  teller.tells = true;
  teller.presence = presence;
  const bool was_silent = std::exchange(teller.silent, false);
  if (!std::exchange(teller.here, true) || was_silent) hooks_.here(user);
}

void WorkerPresences::asked(const std::string& user, const flow::WorkerPlan& worker) {
  known(user, worker);
}

void WorkerPresences::forget(const std::string& user) {
  const auto gone = workers_.extract(user);
  if (gone.empty()) return;
  auto& ended = ended_[gone.mapped().queue];
  ended.counts += gone.mapped().presence.counts;
  ended.rebounds = gone.mapped().rebounds;
}

rabbitmq::Queues::Work WorkerPresences::work(const std::string& queue) const {
  rabbitmq::Queues::Work work;
  const auto add = [&](const std::string& of_queue, const std::string& rebounds, const component::StepCounts& counts) {
    if (of_queue == queue) work.settled_total += acknowledged(counts);
    if (rebounds == queue) work.published_total = work.published_total.value_or(0) + counts.rebounds;
  };
  for (const auto& [user, worker] : workers_) {
    add(worker.queue, worker.rebounds, worker.presence.counts);
    if (worker.queue == queue) work.in_work += worker.presence.in_work;
  }
  for (const auto& [of_queue, ended] : ended_) add(of_queue, ended.rebounds, ended.counts);
  return work;
}

void WorkerPresences::look() {
  timer_ = loop_.after(look_interval, [this] { look(); });
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
