#include "orchestrator/scaler.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace millrace::orchestrator {
namespace {

using Seconds = std::chrono::duration<double>;

std::uint32_t within(const flow::Instances& bounds, double instances) {
  return static_cast<std::uint32_t>(std::clamp<double>(std::ceil(instances), bounds.min, bounds.max));
}

double per_second(std::uint64_t before, std::uint64_t after, Seconds span) {
  return after < before ? 0 : static_cast<double>(after - before) / span.count();
}

/// Learns how fast messages come, and how fast one instance is.
void measure(ScaleMemory& memory, const Load& load, io::SteadyTime now) {
  constexpr Seconds shortest{0.5};
  constexpr Seconds memory_of_arrivals{15};
  constexpr double weight_of_latest = 0.2;
  const auto before = std::exchange(memory.looked_at, now);
  const Seconds span = before ? now - *before : Seconds(0);
  if (before && span < shortest) {
    memory.looked_at = before;
    return;
  }
  const auto last = std::exchange(memory.load, load);
  if (!before) return;
  const auto weight = 1 - std::exp(-span / memory_of_arrivals);
  memory.arrival_rate += weight * (per_second(last.arrived_total, load.arrived_total, span) - memory.arrival_rate);
  const bool busy_throughout = last.waits && load.waits && load.connected > 0 && last.connected == load.connected;
  if (!busy_throughout || load.held) return;
  const auto rate = per_second(last.settled_total, load.settled_total, span) / load.connected;
  memory.rate_of_one += memory.rate_of_one == 0 ? rate : weight_of_latest * (rate - memory.rate_of_one);
}

std::uint32_t to_keep_up(const flow::Instances& bounds, const ScaleMemory& memory) {
  constexpr double too_little = 0.05;
  if (memory.rate_of_one <= 0) return bounds.min;
  const auto asked = memory.arrival_rate / memory.rate_of_one;
  return asked < too_little ? bounds.min : std::min(within(bounds, asked), memory.wanted);
}

/// What this moment alone asks for.
std::uint32_t advise(const flow::Instances& bounds, const Load& load, const ScaleMemory& memory, io::SteadyTime now,
                     const ScaleLimits& limits) {
  if (load.held) return within(bounds, 1);
  const auto by_backlog =
      within(bounds, static_cast<double>(load.messages) / static_cast<double>(std::max(1u, bounds.target_backlog)));
  const auto enough = std::max(by_backlog, to_keep_up(bounds, memory));
  if (!load.oldest_wait || *load.oldest_wait <= limits.wait_max) return enough;
  // Those that have not come yet may be all that it takes.
  const bool all_work = load.connected >= memory.wanted && now - memory.raised_at >= limits.wait_max;
  return std::max(enough, std::min(memory.wanted + (all_work ? 1 : 0), bounds.max));
}

}  // namespace

ScaleMemory scale(const flow::Instances& bounds, const Load& load, ScaleMemory memory, io::SteadyTime now,
                  const ScaleLimits& limits) {
  measure(memory, load, now);
  const auto advised = advise(bounds, load, memory, now, limits);
  auto& advice = memory.advice;
  while (!advice.empty() && advice.back().instances <= advised) advice.pop_back();
  advice.push_back({now, advised});
  while (advice.size() > 1 && now - advice.front().at >= limits.settle_time) advice.pop_front();
  if (advised > memory.wanted) memory.raised_at = now;
  const auto settled = std::min(memory.wanted, advice.front().instances);
  memory.wanted = std::clamp(std::max(advised, settled), bounds.min, bounds.max);
  return memory;
}

}  // namespace millrace::orchestrator
