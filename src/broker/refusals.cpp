#include "broker/refusals.hpp"

#include <fmt/format.h>

namespace millrace::broker {

using amqp::FieldTable;
using amqp::FieldValue;
using amqp::ReplyCode;

namespace {

std::optional<std::int64_t> integer(const FieldTable& table, std::string_view name) {
  const auto low = std::numeric_limits<std::int64_t>::min();
  const auto value = table.integer(name, low);
  return value == low ? std::nullopt : std::optional(value);
}

bool same(const FieldTable& a, const FieldTable& b, std::string_view name) {
  const auto* in_a = a.find(name);
  const auto* in_b = b.find(name);
  if (in_a == nullptr || in_b == nullptr) return in_a == in_b;
  return *in_a == *in_b || (integer(a, name) && integer(a, name) == integer(b, name));
}

/// "none", or "the value '5' of type 'signedint'".
std::string described(const FieldTable& table, std::string_view name) {
  const auto* field = table.find(name);
  if (field == nullptr) return "none";
  if (const auto* flag = std::get_if<bool>(&field->value)) {
    return fmt::format("the value '{}' of type 'bool'", *flag);
  }
  if (const auto number = integer(table, name)) {
    const bool wide = std::holds_alternative<std::int64_t>(field->value);
    return fmt::format("the value '{}' of type '{}'", *number, wide ? "long" : "signedint");
  }
  return fmt::format("the value '{}' of type 'longstr'", table.text(name));
}

/// Both are there: only their values are named.
std::string value_of(const FieldTable& table, std::string_view name) {
  const auto text = described(table, name);
  const auto begin = text.find('\'');
  return begin == text.npos ? text : text.substr(begin, text.rfind(" of type") - begin);
}

}  // namespace

Refusal not_found(std::string_view what, std::string_view name) {
  return {ReplyCode::not_found, fmt::format("no {} '{}' in vhost '/'", what, name)};
}

Refusal locked(std::string_view queue) {
  return {ReplyCode::resource_locked,
          fmt::format("cannot obtain exclusive access to locked queue '{}' in vhost '/'. It could be originally "
                      "declared on another connection or the exclusive property value does not match that of the "
                      "original declaration.",
                      queue)};
}

void Comparison::flag(std::string_view field, bool current, bool received) {
  text(field, current ? "true" : "false", received ? "true" : "false");
}

void Comparison::text(std::string_view field, std::string_view current, std::string_view received) {
  if (current != received) differs(field, fmt::format("'{}'", current), fmt::format("'{}'", received));
}

void Comparison::arguments(const FieldTable& current, const FieldTable& received,
                           std::initializer_list<std::string_view> known) {
  for (const auto name : known) {
    if (same(current, received, name)) continue;
    const bool both = current.find(name) != nullptr && received.find(name) != nullptr;
    const auto say = both ? value_of : described;
    differs(name, say(current, name), say(received, name));
  }
}

void Comparison::differs(std::string_view field, std::string_view current, std::string_view received) {
  if (refusal) return;
  refusal = Refusal{ReplyCode::precondition_failed,
                    fmt::format("inequivalent arg '{}' for {} '{}' in vhost '/': received {} but current is {}", field,
                                what_, name_, received, current)};
}

}  // namespace millrace::broker
