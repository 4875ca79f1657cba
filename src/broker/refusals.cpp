#include "broker/refusals.hpp"

#include <fmt/format.h>

namespace millrace::broker {

using amqp::ReplyCode;

namespace {

bool matters(std::string_view name) {
  return name.starts_with("x-") || name == "alternate-exchange";
}

bool holds(const amqp::FieldTable& table, const std::string& name, const amqp::FieldValue& value) {
  const auto* other = table.find(name);
  if (other == nullptr) return false;
  if (*other == value) return true;
  const auto low = std::numeric_limits<std::int64_t>::min();
  amqp::FieldTable alone;
  alone.set(name, value);
  return alone.integer(name, low) != low && alone.integer(name, low) == table.integer(name, low);
}

}  // namespace

Refusal not_found(std::string_view what, std::string_view name) {
  return {ReplyCode::not_found, fmt::format("no {} '{}' in vhost '/'", what, name)};
}

Refusal inequivalent(std::string_view argument, std::string_view what, std::string_view name) {
  return {
      ReplyCode::precondition_failed,
      fmt::format("inequivalent arg '{}' for {} '{}' in vhost '/': it was declared otherwise", argument, what, name)};
}

std::optional<std::string> differing_argument(const amqp::FieldTable& have, const amqp::FieldTable& wanted) {
  for (const auto& [name, value] : wanted.entries()) {
    if (matters(name) && !holds(have, name, value)) return name;
  }
  for (const auto& [name, value] : have.entries()) {
    if (matters(name) && wanted.find(name) == nullptr) return name;
  }
  return std::nullopt;
}

}  // namespace millrace::broker
