#include "deployment/parking.hpp"

#include <fmt/format.h>

#include "core/log.hpp"

namespace millrace::deployment {
namespace {

constexpr std::chrono::milliseconds look_interval{50};

std::string report_key(const std::string& exchange, const std::string& key) {
  return exchange + " " + key;
}

}  // namespace

Parking::Parking(io::Loop& loop, broker::Queues& broker, broker::SessionId session)
    : loop_(loop), broker_(broker), session_(session) {}

Parking::~Parking() {
  loop_.cancel(timer_);
  for (const auto& [queue, consumer] : consumers_) broker_.cancel(consumer);
}

void Parking::add(const flow::Plan& plan) {
  for (const auto& worker : plan.workers) {
    if (worker.settings.health_key.empty()) continue;
    steps_[worker.queue()] = {fmt::format("{}/{}", worker.flow, worker.step)};
    queues_[report_key(plan.exchange.name, worker.settings.health_key)] = worker.queue();
  }
  const auto health = flow::names::health_queue(plan.flow, plan.version);
  broker::ConsumerSpec spec;
  spec.no_ack = true;
  broker::ConsumerId consumer;
  const auto consuming = broker_.consume(session_, health, spec, *this, consumer);
  if (consuming) {
    consumers_[health] = consumer;
  } else {
    log::error("what workers tell of their targets is not heard",
               {{"queue", health}, {"reason", consuming.error().text}});
  }
}

void Parking::remove(const flow::Plan& plan) {
  for (const auto& worker : plan.workers) {
    steps_.erase(worker.queue());
    queues_.erase(report_key(plan.exchange.name, worker.settings.health_key));
  }
  const auto consumer = consumers_.find(flow::names::health_queue(plan.flow, plan.version));
  if (consumer == consumers_.end()) return;
  broker_.cancel(consumer->second);
  consumers_.erase(consumer);
}

void Parking::deliver(broker::Delivery delivery) {
  const auto queue = queues_.find(report_key(delivery.message->exchange, delivery.message->routing_key));
  const auto report = HealthReport::parse(delivery.message->body);
  if (queue == queues_.end() || !report) return;
  auto& step = steps_.at(queue->second);
  step.state.heard(*report, loop_.steady_now());
  if (step.state.mode() == TargetState::Mode::open && step.told == TargetState::Mode::open) return;
  broker_.set_gate(queue->second, step.state.gate());
  tell(step, queue->second);
  if (timer_ == 0) timer_ = loop_.after(look_interval, [this] { look(); });
}

TargetState::Queue Parking::facts_of(const std::string& queue) const {
  const auto status = broker_.queue(queue);
  const auto gate = broker_.gate(queue);
  if (!status || !gate) return {};
  return {status->ready, status->unsettled, status->settled_total, gate->credit};
}

void Parking::look() {
  timer_ = 0;
  bool again = false;
  for (auto& [queue, step] : steps_) {
    if (step.state.mode() == TargetState::Mode::open) continue;
    if (step.state.look(facts_of(queue), loop_.steady_now())) broker_.set_gate(queue, step.state.gate());
    tell(step, queue);
    again = again || step.state.mode() != TargetState::Mode::open;
  }
  if (again) timer_ = loop_.after(look_interval, [this] { look(); });
}

void Parking::tell(Step& step, const std::string& queue) {
  const auto mode = step.state.mode();
  if (std::exchange(step.told, mode) == mode) return;
  const auto waiting = std::to_string(facts_of(queue).ready);
  switch (mode) {
    case TargetState::Mode::parked:
      return log::warning("a step is parked: its target takes nothing",
                          {{"step", step.name}, {"reason", step.state.reason()}, {"waiting", waiting}});
    case TargetState::Mode::throttled:
      return log::info("a step waits: its target has said when to come again",
                       {{"step", step.name}, {"reason", step.state.reason()}, {"waiting", waiting}});
    case TargetState::Mode::draining:
      return log::info("a step goes on: its target takes messages again", {{"step", step.name}, {"waiting", waiting}});
    case TargetState::Mode::open:
      return log::info("a step goes on at full speed", {{"step", step.name}});
  }
}

io::WallTime Parking::wall(io::SteadyTime time) const {
  return loop_.wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(time - loop_.steady_now());
}

std::optional<Parked> Parking::parked(const flow::WorkerPlan& worker) const {
  const auto found = steps_.find(worker.queue());
  if (found == steps_.end() || found->second.state.mode() == TargetState::Mode::open) return std::nullopt;
  const auto& state = found->second.state;
  Parked parked;
  parked.mode = state.mode();
  parked.since = wall(state.since());
  parked.reason = state.reason();
  const auto now = loop_.steady_now();
  if (state.mode() != TargetState::Mode::draining && state.until() > now) parked.next_try = wall(state.until());
  parked.probes = state.probes();
  const auto facts = facts_of(worker.queue());
  const auto rebounds = broker_.queue(worker.rebounds());
  parked.waiting = facts.ready + facts.out + (rebounds ? rebounds->ready : 0);
  parked.rate = state.rate();
  if (parked.rate && *parked.rate > 0) {
    const std::chrono::duration<double> takes(static_cast<double>(parked.waiting) / *parked.rate);
    parked.done_at =
        parked.next_try.value_or(loop_.wall_now()) + std::chrono::duration_cast<std::chrono::milliseconds>(takes);
  }
  return parked;
}

bool Parking::holds(const std::string& queue) const {
  const auto found = steps_.find(queue);
  if (found == steps_.end()) return false;
  const auto mode = found->second.state.mode();
  return mode == TargetState::Mode::parked || mode == TargetState::Mode::throttled;
}

}  // namespace millrace::deployment
