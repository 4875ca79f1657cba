#include "deployment/order_keys.hpp"

#include <fmt/format.h>

#include "core/id.hpp"

namespace millrace::deployment {
namespace {

constexpr std::size_t key_size_max = 200;
constexpr jsonata::Limits limits{
    .time_max = std::chrono::milliseconds(100), .depth_max = 5'000, .memory_max = 64u << 20};

}  // namespace

void OrderKeys::add(const flow::Plan& plan) {
  for (const auto& worker : plan.workers) {
    if (!worker.ordered_by) continue;
    // It was compiled when its flow was read.
    if (auto compiled = jsonata::Expression::compile(*worker.ordered_by))
      expressions_.insert_or_assign(worker.queue(), std::move(*compiled));
  }
}

void OrderKeys::remove(const flow::Plan& plan) {
  for (const auto& worker : plan.workers) expressions_.erase(worker.queue());
}

std::optional<broker::OrderKey> OrderKeys::key(const std::string& queue, const broker::Message& message) const {
  const auto found = expressions_.find(queue);
  if (found == expressions_.end()) return std::nullopt;
  auto value = found->second.evaluate(message.body, {}, limits);
  if (!value) {
    const auto& fault = value.error();
    return broker::OrderKey{
        {}, fmt::format("jsonata.{}: ordered_by: JSONata {}: {}", fault.code, fault.code, fault.message)};
  }
  if (!*value || **value == "null") return broker::OrderKey{};
  return broker::OrderKey{(*value)->size() > key_size_max ? derived_id({**value}) : std::move(**value)};
}

}  // namespace millrace::deployment
