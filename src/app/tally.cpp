#include "app/tally.hpp"

#include <algorithm>
#include <limits>

namespace millrace::app {
namespace {

namespace names = flow::names;

bool is_last(const flow::WorkerPlan& worker) {
  return !worker.settings.has_successors;
}

/// Stands directly after `step`.
bool follows(const flow::Plan& plan, const flow::WorkerPlan& worker, const std::string& step) {
  return std::ranges::any_of(plan.bindings, [&](const flow::BindingPlan& binding) {
    return binding.queue == names::step_queue(worker.flow, worker.step) && binding.key == names::output_key(step);
  });
}

}  // namespace

Tally::Tally(const broker::Broker& broker, const std::vector<flow::Plan>& plans)
    : broker_(broker), plans_(plans), settled_before_(settled_total()), polled_before_(polled_total()) {
  for (const auto& plan : plans_) {
    const auto queue = broker_.queue(names::dead_letter_queue(plan.flow));
    dead_letters_[plan.flow].published = queue ? queue->published_total : 0;
  }
}

Totals Tally::now(std::uint64_t accepted) {
  Totals totals;
  totals.accepted = accepted + polled_total() - polled_before_;
  for (const auto& plan : plans_) {
    for (const auto& worker : plan.workers) {
      const auto work = broker_.queue(names::step_queue(worker.flow, worker.step));
      const auto rebounds = broker_.queue(names::rebound_queue(worker.flow, worker.step));
      // What is on the way to disk counts: a step's input is settled as soon as its outputs are.
      if (work) totals.in_flight += work->ready + work->unsettled + work->arriving;
      if (rebounds) totals.retrying += rebounds->ready + rebounds->arriving;
    }
    if (const auto dead = broker_.queue(names::dead_letter_queue(plan.flow))) totals.dead += dead->ready;
  }
  std::uint64_t not_done = settled_before_;
  for (const auto& plan : plans_) not_done += dead_of_last_steps(plan);
  const auto settled = settled_total();
  totals.done = settled > not_done ? settled - not_done : 0;
  return totals;
}

std::uint64_t Tally::polled_total() const {
  std::uint64_t polled = 0;
  for (const auto& plan : plans_) {
    if (!plan.ticks || !plan.ticks->polls) continue;
    // Each step after the trigger gets every message of it; one that joins further streams gets theirs, too.
    auto least = std::numeric_limits<std::uint64_t>::max();
    for (const auto& worker : plan.workers) {
      if (follows(plan, worker, plan.ticks->step)) least = std::min(least, taken_in(worker));
    }
    polled += least;
  }
  return polled;
}

std::uint64_t Tally::taken_in(const flow::WorkerPlan& worker) const {
  const auto work = broker_.queue(names::step_queue(worker.flow, worker.step));
  const auto rebounds = broker_.queue(names::rebound_queue(worker.flow, worker.step));
  const auto came_back = rebounds ? rebounds->published_total - rebounds->ready : 0;
  return work && work->published_total > came_back ? work->published_total - came_back : 0;
}

std::uint64_t Tally::settled_total() const {
  std::uint64_t settled = 0;
  std::uint64_t put_back = 0;
  for (const auto& plan : plans_) {
    for (const auto& worker : plan.workers) {
      if (!is_last(worker)) continue;
      const auto work = broker_.queue(names::step_queue(worker.flow, worker.step));
      const auto rebounds = broker_.queue(names::rebound_queue(worker.flow, worker.step));
      if (work) settled += work->settled_total;
      if (rebounds) put_back += rebounds->published_total;
    }
  }
  return settled > put_back ? settled - put_back : 0;
}

std::uint64_t Tally::dead_of_last_steps(const flow::Plan& plan) {
  const auto name = names::dead_letter_queue(plan.flow);
  const auto queue = broker_.queue(name);
  auto& known = dead_letters_[plan.flow];
  if (!queue || queue->published_total <= known.published) return known.of_last_steps;
  const auto fresh = std::min(queue->published_total - known.published, queue->ready);
  known.published = queue->published_total;
  const auto letters = broker_.peek(name, queue->ready - fresh, fresh);
  if (!letters) return known.of_last_steps;
  for (const auto& letter : *letters) {
    const bool of_last = std::ranges::any_of(plan.workers, [&](const auto& worker) {
      return is_last(worker) && letter->routing_key == names::error_key(worker.step);
    });
    if (of_last) ++known.of_last_steps;
  }
  return known.of_last_steps;
}

}  // namespace millrace::app
