#include <fmt/format.h>

#include "flow/plan.hpp"

namespace millrace::flow::names {

std::string exchange(std::string_view flow) {
  return fmt::format("flow.{}", flow);
}
std::string step_queue(std::string_view flow, std::string_view step) {
  return fmt::format("{}.{}", flow, step);
}
std::string rebound_queue(std::string_view flow, std::string_view step) {
  return fmt::format("{}.{}.rebounds", flow, step);
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
std::string input_key(std::string_view step) {
  return fmt::format("{}:input", step);
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
std::string snapshot_key(std::string_view step) {
  return fmt::format("{}:snapshot", step);
}
std::string tick_key(std::string_view step) {
  return fmt::format("{}:tick", step);
}

}  // namespace millrace::flow::names
