#include <charconv>

#include <fmt/format.h>

#include "flow/plan.hpp"

namespace millrace::flow::names {

std::string exchange(std::string_view flow, std::int64_t version) {
  return fmt::format("flow.{}@{}", flow, version);
}
std::optional<std::int64_t> version_of_exchange(std::string_view exchange) {
  const auto at = exchange.rfind('@');
  std::int64_t version = 0;
  if (!exchange.starts_with("flow.") || at == std::string_view::npos) return std::nullopt;
  const char* end = exchange.data() + exchange.size();
  const auto [stopped, failed] = std::from_chars(exchange.data() + at + 1, end, version);
  if (failed != std::errc() || stopped != end) return std::nullopt;
  return version;
}
std::string_view flow_of_exchange(std::string_view exchange) {
  if (!version_of_exchange(exchange)) return {};
  exchange.remove_prefix(exchange.find('.') + 1);
  return exchange.substr(0, exchange.rfind('@'));
}

std::string step_queue(std::string_view flow, std::int64_t version, std::string_view step) {
  return fmt::format("{}@{}.{}", flow, version, step);
}
std::string rebound_queue(std::string_view flow, std::int64_t version, std::string_view step) {
  return fmt::format("{}@{}.{}.rebounds", flow, version, step);
}
std::string health_queue(std::string_view flow, std::int64_t version) {
  return fmt::format("{}@{}..health", flow, version);
}
std::string snapshot_queue(std::string_view flow, std::string_view step) {
  return fmt::format("{}.{}.snapshot", flow, step);
}
std::string tick_queue(std::string_view flow, std::string_view step) {
  return fmt::format("{}.{}.ticks", flow, step);
}
std::string dead_letter_queue(std::string_view flow) {
  return fmt::format("{}.dead-letters", flow);
}
std::string replay_queue(std::string_view id) {
  return fmt::format("replay.{}", id);
}
std::string input_key(std::string_view step) {
  return fmt::format("{}:input", step);
}
std::string first_key(const Step& trigger) {
  return trigger.has_worker ? input_key(trigger.id) : output_key(trigger.id);
}

std::string output_key(std::string_view step) {
  return fmt::format("{}:output", step);
}
std::string rebound_key(std::string_view step) {
  return fmt::format("{}:rebound", step);
}
std::string error_key(std::string_view step) {
  return fmt::format("{}:error", step);
}
std::string health_key(std::string_view step) {
  return fmt::format("{}:health", step);
}
std::string snapshot_key(std::string_view step) {
  return fmt::format("{}:snapshot", step);
}
std::string tick_key(std::string_view step) {
  return fmt::format("{}:tick", step);
}

}  // namespace millrace::flow::names
