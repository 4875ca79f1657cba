#include "deployment/tally.hpp"

#include <algorithm>
#include <limits>

#include "amqp/properties.hpp"

namespace millrace::deployment {
namespace {

namespace names = flow::names;

bool is_last(const flow::WorkerPlan& worker) {
  return !worker.settings.has_successors;
}

/// Stands directly after `step`.
bool follows(const flow::Plan& plan, const flow::WorkerPlan& worker, const std::string& step) {
  return std::ranges::any_of(plan.bindings, [&](const flow::BindingPlan& binding) {
    return binding.queue == worker.queue() && binding.key == names::output_key(step);
  });
}

/// A worker says why; the broker does so only by its counts.
bool is_of_broker(const broker::Message& letter) {
  const auto properties = amqp::decode_properties(letter.properties);
  return properties && (!properties->headers || properties->headers->find("errorCode") == nullptr);
}

}  // namespace

void Tally::add(const flow::Plan& plan) {
  counted_.push_back({&plan, settled_total(plan), polled_total(plan)});
  const auto [dead, added] = dead_letters_.try_emplace(plan.flow);
  const auto queue = broker_.queue(names::dead_letter_queue(plan.flow));
  if (added && queue) dead->second.published = queue->published_total;
}

void Tally::remove(const flow::Plan& plan) {
  const auto counted = std::ranges::find(counted_, &plan, &Counted::plan);
  if (counted == counted_.end()) return;
  // Dead letters are told apart by the last steps' names while the version is known.
  dead_of_last_steps(plan.flow);
  settled_by_removed_ += settled_total(plan) - counted->settled_before;
  polled_by_removed_ += polled_total(plan) - counted->polled_before;
  counted_.erase(counted);
}

Totals Tally::now(std::uint64_t accepted) {
  Totals totals;
  totals.accepted = accepted + polled_by_removed_;
  std::uint64_t settled = settled_by_removed_;
  for (const auto& [plan, settled_before, polled_before] : counted_) {
    totals.accepted += polled_total(*plan) - polled_before;
    settled += settled_total(*plan) - settled_before;
    for (const auto& worker : plan->workers) {
      const auto work = broker_.queue(worker.queue());
      const auto rebounds = broker_.queue(worker.rebounds());
      // What is on the way to disk counts: a step's input is settled as soon as its outputs are.
      if (work) totals.in_flight += work->ready + work->unsettled + work->arriving;
      if (rebounds) totals.retrying += rebounds->ready + rebounds->arriving;
    }
  }
  std::uint64_t not_done = 0;
  for (const auto& [flow, known] : dead_letters_) {
    if (const auto dead = broker_.queue(names::dead_letter_queue(flow))) totals.dead += dead->ready;
    not_done += dead_of_last_steps(flow);
  }
  totals.done = settled > not_done ? settled - not_done : 0;
  return totals;
}

std::uint64_t Tally::polled_total(const flow::Plan& plan) const {
  if (!plan.ticks || !plan.ticks->polls) return 0;
  // Each step after the trigger gets every message of it; one that joins further streams gets theirs, too.
  auto least = std::numeric_limits<std::uint64_t>::max();
  for (const auto& worker : plan.workers) {
    if (follows(plan, worker, plan.ticks->step)) least = std::min(least, taken_in(worker));
  }
  return least;
}

std::uint64_t Tally::taken_in(const flow::WorkerPlan& worker) const {
  const auto work = broker_.queue(worker.queue());
  const auto rebounds = broker_.queue(worker.rebounds());
  const auto came_back = rebounds ? rebounds->published_total - rebounds->ready : 0;
  return work && work->published_total > came_back ? work->published_total - came_back : 0;
}

std::uint64_t Tally::settled_total(const flow::Plan& plan) const {
  std::uint64_t settled = 0;
  std::uint64_t put_back = 0;
  for (const auto& worker : plan.workers) {
    if (!is_last(worker)) continue;
    const auto work = broker_.queue(worker.queue());
    const auto rebounds = broker_.queue(worker.rebounds());
    if (work) settled += work->settled_total;
    if (rebounds) put_back += rebounds->published_total;
  }
  return settled > put_back ? settled - put_back : 0;
}

std::uint64_t Tally::dead_of_last_steps(const std::string& flow) {
  const auto name = names::dead_letter_queue(flow);
  const auto queue = broker_.queue(name);
  auto& known = dead_letters_[flow];
  if (!queue || queue->published_total <= known.published) return known.of_last_steps;
  const auto fresh = std::min(queue->published_total - known.published, queue->ready);
  known.published = queue->published_total;
  const auto letters = broker_.peek(name, queue->ready - fresh, fresh);
  if (!letters) return known.of_last_steps;
  for (const auto& letter : *letters) {
    // What the broker itself has put there was not settled by its step.
    if (is_of_last_step(flow, letter->routing_key) && !is_of_broker(*letter)) ++known.of_last_steps;
  }
  return known.of_last_steps;
}

bool Tally::is_of_last_step(const std::string& flow, const std::string& error_key) const {
  return std::ranges::any_of(counted_, [&](const Counted& counted) {
    return counted.plan->flow == flow && std::ranges::any_of(counted.plan->workers, [&](const auto& worker) {
             return is_last(worker) && error_key == names::error_key(worker.step);
           });
  });
}

}  // namespace millrace::deployment
